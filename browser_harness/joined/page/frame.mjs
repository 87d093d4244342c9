// The page that is measured: in a frame of this one, which is there for as long as the person likes. A fresh page is a new
// document in the frame. What runs while this page is hidden, at whatever moment, does not count: browsers slow it down.

const frame = document.getElementById('page');
const DEEDS = { load, call, close };
let wasHidden = false; // at some moment of the deed that is being done
let noted = () => {};

/** Call `hidden` whenever this page is hidden, or to be seen again; `noted` of what fails in the frame behind the calls. */
export function watch({ hidden, noted: note }) {
  noted = note;
  const look = (isHidden) => {
    wasHidden ||= isHidden;
    hidden(isHidden);
  };
  document.addEventListener('visibilitychange', () => look(document.hidden));
  document.addEventListener('freeze', () => look(true));
  document.addEventListener('resume', () => look(document.hidden));
  addEventListener('pagehide', () => look(true));
  addEventListener('pageshow', () => look(document.hidden));
  look(document.hidden);
}

/** Do a deed; return its `answer` or its `error`, and whether this page was `hidden` meanwhile. */
export async function does({ do: deed, ...argument }) {
  wasHidden = document.hidden;
  const told = await answered(DEEDS[deed], argument);
  await turn(); // what happened to the page while it computed is told now
  return { ...told, hidden: wasHidden };
}

async function answered(deed, argument) {
  try {
    return { answer: (await deed(argument)) ?? null };
  } catch (error) {
    return inWords(error);
  }
}

const inWords = (error) => ({ error: String(error?.message ?? error), stack: String(error?.stack ?? '') });

const turn = () => new Promise((resolve) => { setTimeout(resolve); });

/** Call a function of the page; a hidden page is not even asked. */
async function call({ function: name, argument }) {
  return wasHidden ? null : frame.contentWindow.harness[name](argument);
}

/** Have a new page in the frame, with a harness and nothing else. */
async function load() {
  await new Promise((resolve) => {
    frame.onload = () => isBlank() || resolve(); // of the blank page before it WebKit may tell late
    frame.src = `/index.html?${Math.random()}`; // by a new address, or it would be the same document
  });
  const inside = frame.contentWindow;
  inside.addEventListener('error', ({ message }) => noted(`uncaught: ${message}`));
  inside.addEventListener('unhandledrejection', ({ reason }) => noted(`uncaught: ${reason?.message ?? reason}`));
  if (!inside.harness) throw new Error('the page has no harness');
}

/** Whether the page in the frame is the blank one that another was closed with; one that may not be looked at is not. */
function isBlank() {
  try {
    return frame.contentWindow.location.href === 'about:blank';
  } catch {
    return false;
  }
}

async function close() {
  frame.src = 'about:blank';
}
