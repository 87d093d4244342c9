// The page's way to its server without either: what comes of a connection is played by a script, and time by node:test.
// Prints what happened, in order, as JSON.

import { mock } from "node:test";

const [page, played] = process.argv.slice(2);
const happened = [];
const told = []; // listeners of the window's events
let clock = 0;

mock.timers.enable({ apis: ["setTimeout"] });
globalThis.addEventListener = (name, listener) => told.push([name, listener]);
globalThis.location = { hash: "#token", protocol: "http:", host: "server" };
globalThis.document = { hidden: false };
globalThis.history = { replaceState: () => { location.hash = ""; } };
globalThis.fetch = async () => {
  const status = statuses.shift() ?? 200;
  happened.push(`join ${status}`);
  if (!status) throw new TypeError("no network");
  return { ok: status === 200, status, text: async () => "words", json: async () => ({ device: 1 }) };
};
globalThis.WebSocket = class {
  static OPEN = 1;
  readyState = 1;
  constructor() { sockets.push(this); happened.push("socket"); }
  send(text) { happened.push(text); }
  close() { happened.push("close"); }
};
let statuses = [];
const sockets = [];

const { Link } = await import(page);
const link = new Link({ take: (message) => happened.push(`take ${message.do}`), see: ({ at }) => happened.push(at) });

const settle = async () => { for (let turns = 0; turns < 20; turns++) await null; };
const DEEDS = {
  join: () => { link.join({}).then((joined) => joined && link.open()); },
  opens: () => sockets.at(-1).onopen(),
  says: (word) => sockets.at(-1).onmessage({ data: JSON.stringify({ do: word }) }),
  closes: (code) => {
    sockets.at(-1).readyState = 3;
    sockets.at(-1).onclose({ code, reason: "" });
  },
  look: () => link.look(),
  rest: (isAtRest) => link.rest(isAtRest),
  answers: (...next) => { statuses = next; }, // to the next requests to join; 0 where there is no network
  event: (name) => told.forEach(([one, listener]) => one === name && listener()),
  /** Let so many seconds pass; tell when something happens meanwhile. */
  async wait(seconds) {
    for (const until = clock + seconds; clock < until; clock += 0.5) {
      const before = happened.length;
      mock.timers.tick(500);
      await settle();
      if (happened.length > before) happened.splice(before, 0, `after ${clock + 0.5} s`);
    }
  },
};

for (const [deed, ...words] of JSON.parse(played)) {
  await DEEDS[deed](...words);
  await settle();
}
console.log(JSON.stringify(happened));
