// What a person sees of the run. It is drawn when something is told, between two calls, and never moves by itself.

import { letSleep } from '/awake.mjs';
import { cellsOf, claimsOf } from '/figures.mjs';
import { about as lasting, buttonOf, detailOf, hintOf, isDone, isOver, progressOf, shortly, wordsOf } from '/words.mjs';

const MOST_ROWS = 1000;
const element = (name) => document.getElementById(name);
const known = { at: 'joining', told: {}, hasToken: location.hash.length > 1 };

/** Take note of what is new, and draw it. */
export function see(news) {
  Object.assign(known, news);
  known.hasBeenIn ||= known.at === 'in';
  if (news.isHidden && known.at === 'in' && known.told.state === 'measuring') known.pauses = (known.pauses ?? 0) + 1;
  if (isOver(known)) letSleep();
  draw();
}

/** Call one of *deeds*, by where the run is, when the button is pressed. */
export function onPress(deeds) {
  element('button').onclick = () => deeds[known.at]();
}

/** Wait until what was drawn is on the screen; of a hidden page nothing is. */
export async function painted() {
  if (document.hidden) return;
  await new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, 500); // of a browser that draws nothing all the same
  });
}

/** Show what is to run, what is sent and kept; open, where the person is asked. */
export function showOffer({ offer, about, asks_consent: isAsked }) {
  element('title').textContent = offer.title || element('title').textContent;
  element('what').replaceChildren(...(offer.what ?? []).map((line) => made('li', line)));
  element('long').textContent = offer.minutes
    ? `It takes ${lasting(offer.minutes * 60)}. You can leave this page and come back to it: what was measured is kept.`
    : 'That is not known yet. You can leave this page and come back to it: what was measured is kept.';
  element('about').replaceChildren(...claimsOf(about).flatMap(([name, value]) => [made('dt', name), made('dd', value)]));
  element('offer').hidden = false;
  element('offer').open = isAsked;
}

export function foldOffer() {
  element('offer').open = false;
}

function draw() {
  const { at, told } = known;
  say('words', wordsOf(known));
  say('detail', detailOf(known));
  say('button', buttonOf(known) ?? '');
  say('hint', hintOf(known));
  document.title = `${shortly(known)}: ${element('title').textContent}`;
  document.documentElement.dataset.at = at === 'in' && isDone(told) ? 'done' : at;
  element('progress').hidden = !told.of || isDone(told) || !['in', 'lost'].includes(at);
  if (told.of) {
    say('left', progressOf(told));
    Object.assign(element('bar'), { max: told.of, value: Math.min(told.done ?? 0, told.of) });
  }
  if (told.figures) table(told.figures.slice(0, MOST_ROWS));
}

/** Have *text* in an element, or hide it where there is none; what stands there already is not said again. */
function say(name, text) {
  const place = element(name);
  if (place.textContent !== text) place.textContent = text;
  place.hidden = !text;
}

function table(figures) {
  element('figures').hidden = !figures.length;
  element('doubtful').hidden = !figures.some(({ mark }) => mark?.includes('(!)'));
  element('rows').replaceChildren(...figures.map((figure) => made('tr', ...cellsOf(figure).map(cell))));
}

function cell([first, ...others], index) {
  const place = made(index ? 'td' : 'th', first, ...others.flatMap((words) => [document.createElement('br'), made('small', words)]));
  if (!index) place.scope = 'row';
  return place;
}

function made(name, ...content) {
  const one = document.createElement(name);
  one.append(...content);
  return one;
}
