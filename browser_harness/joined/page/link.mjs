// The way to the server: a secret for the link's token, which the browser keeps as a cookie, then a WebSocket. Where it is
// lost it is looked for again, after pauses that grow, for as long as the page is open.

const PAUSES = [0.5, 1, 2, 4, 8, 15, 30]; // seconds; the last again and again
const [BEAT, ANSWER] = [20, 10]; // seconds of rest after which the server is asked for a word, and for that
const ENDED = 4000; // codes of a WebSocket from here on say why the server ended it, and for good (../device.py)
const LATER = 429; // statuses of HTTP from here on may pass: too many requests, or a tunnel without its end
const WHY = { 4000: 'moved', 4001: 'ended' };

export class Link {
  #take;
  #see;
  #about;
  #socket;
  #tries = 0;
  #waiting; // for the next try
  #isAtRest = true;
  #beating;
  #doubting; // until the server says anything

  constructor({ take, see }) {
    this.#take = take;
    this.#see = see;
    addEventListener('online', () => this.look());
    addEventListener('pagehide', () => this.#socket?.close());
  }

  /** Return what the server answers to one that has the link, or was here before; null where it lets nobody in. */
  async join(about) {
    this.#about = about;
    const body = JSON.stringify({ token: location.hash.slice(1) || null, about });
    const response = await fetch('/join', { method: 'POST', body }).catch(() => null);
    if (!response || (response.status >= LATER && this.#socket)) {
      await this.#pause();
      return this.join(about);
    }
    if (!response.ok) {
      this.#see({ at: 'refused', status: response.status, reason: await response.text() });
      return null;
    }
    history.replaceState(null, '', '/'); // the token has done its work
    return response.json();
  }

  open() {
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/socket`);
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#heard(JSON.parse(data));
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
    this.#socket = socket;
  }

  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Ask the server for a word: a connection can be dead without anyone knowing. Where it is waited for, try again now. */
  look() {
    this.#waiting?.();
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.send({ visible: !document.hidden });
    clearTimeout(this.#doubting);
    if (this.#isAtRest) this.#doubting = setTimeout(() => this.#isDead(), ANSWER * 1e3);
  }

  /** Let the page rest, with a look at the server now and then; or not, while it computes. */
  rest(isAtRest) {
    this.#isAtRest = isAtRest;
    clearTimeout(this.#beating);
    clearTimeout(this.#doubting);
    if (isAtRest) this.#beating = setTimeout(() => { this.rest(true); this.look(); }, BEAT * 1e3);
  }

  #heard(message) {
    clearTimeout(this.#doubting);
    if (message.do !== 'nothing') this.#take(message);
  }

  #isDead() {
    this.#socket.onclose = null;
    this.#socket.close();
    this.#closed();
  }

  #opened() {
    this.#tries = 0;
    this.#see({ at: 'in' });
    this.rest(true);
    this.look();
  }

  async #closed(code, reason) {
    this.rest(false);
    if (code >= ENDED) {
      this.#see({ at: WHY[code] ?? 'sent-away', reason });
      return;
    }
    await this.#pause();
    await this.again();
  }

  /** Come back: the cookie tells who this is. */
  async again() {
    if (await this.join(this.#about)) this.open();
  }

  async #pause() {
    this.#see({ at: 'lost', tries: this.#tries });
    const seconds = PAUSES[Math.min(this.#tries++, PAUSES.length - 1)];
    await new Promise((resolve) => {
      this.#waiting = resolve;
      setTimeout(resolve, seconds * 1e3);
    });
    this.#waiting = undefined;
  }
}
