// The page that a person opens by the link: it joins, says what is going on, and has the page that is measured in a frame,
// whose `harness` it calls for the server. See ../server.py and ../device.py.

import { aboutThis } from '/about.mjs';

const element = (name) => document.getElementById(name);
const page = element('page');
let socket;
let hidden = document.hidden; // at any time since the latest call began

const DEEDS = {
  load,
  call: ({ function: name, argument }) => page.contentWindow.harness[name](argument),
  close: () => { page.src = 'about:blank'; },
};

start();

async function start() {
  try {
    if (location.hash) await join(location.hash.slice(1));
    connect();
  } catch (error) {
    say(error.message);
  }
}

/** Trade the link's token for a secret of this device's own, which the browser keeps as a cookie. */
async function join(token) {
  const body = JSON.stringify({ token, about: await aboutThis() });
  const response = await fetch('/join', { method: 'POST', body });
  if (!response.ok) throw new Error(await response.text());
  history.replaceState(null, '', '/');
}

function connect() {
  socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/socket`);
  socket.onmessage = ({ data }) => take(JSON.parse(data));
  socket.onopen = () => send({ visible: !document.hidden });
  socket.onclose = () => say('The connection was lost.');
}

async function take({ do: deed, id, told, ...argument }) {
  if (deed === 'show') {
    say(told.words);
    return;
  }
  hidden = document.hidden;
  try {
    const answer = (await DEEDS[deed](argument)) ?? null;
    send({ id, answer, hidden });
  } catch (error) {
    send({ id, error: String(error.message ?? error), stack: String(error.stack ?? '') });
  }
}

/** Have a new page in the frame, with a harness and nothing else. */
async function load() {
  await new Promise((resolve, reject) => {
    page.onload = resolve;
    page.onerror = reject;
    page.src = `/index.html?${Math.random()}`;
  });
  const inside = page.contentWindow;
  inside.addEventListener('error', ({ message }) => send({ noted: `uncaught: ${message}` }));
  inside.addEventListener('unhandledrejection', ({ reason }) => send({ noted: `uncaught: ${reason?.message ?? reason}` }));
  if (!inside.harness) throw new Error('the page has no harness');
}

function send(message) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function say(words) {
  element('words').textContent = words;
}

document.addEventListener('visibilitychange', () => {
  hidden ||= document.hidden;
  send({ visible: !document.hidden });
});
