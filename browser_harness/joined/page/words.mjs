// What is said of each state of the run, in sentences that tell what to do.

const NEWER = 'update it, or open the link in a current Chrome, Edge, Firefox or Safari.';
const PAUSED = 'Paused, for this page is hidden, and browsers slow such pages down. Bring it to the front, and it goes on.';
const AGAIN = 5; // tries after which a server that does not answer may be gone

const WORDS = {
  joining: () => 'Joining …',
  'too-old': () => `This browser cannot be measured, for its WebAssembly has no SIMD: ${NEWER}`,
  asking: () => 'Nothing runs before you press the button. To decline, close this page.',
  lost: ({ tries }) =>
    tries < AGAIN
      ? 'The server does not answer. This page tries again by itself, and what was measured is kept.'
      : 'The server has not answered for a while. Is this device in its network, and the run still going? This page goes on trying.',
  refused: (known) => refusal(known),
  moved: () => 'The run goes on in another tab of this browser, which was opened later.',
  ended: ({ told }) => (isDone(told) && told.words) || 'The run has ended, before all was measured here. You can close this page.',
  'sent-away': ({ reason }) => sentHome(reason),
  in: ({ told, device, isHidden }) => {
    if (isHidden && !isDone(told)) return PAUSED;
    if (told.state === 'measuring') return 'Measuring: leave this page in front, and let nothing else run.';
    return told.words || {
      paused: PAUSED,
      done: 'All is measured. You can close this page.',
      ended: 'The run has ended. You can close this page.',
    }[told.state] || `This is device ${device} of the run. It is measured soon: leave this page in front.`;
  },
};

const BUTTONS = { asking: 'Measure this device', lost: 'Try now', refused: 'Try again', moved: 'Go on in this tab' };

export const isDone = (told) => told.state === 'done' || told.state === 'ended';

/** Whether nothing will be measured here any more, unless the person does something. */
export const isOver = ({ at, told }) => isDone(told) || ['too-old', 'refused', 'moved', 'ended', 'sent-away'].includes(at);

export const wordsOf = (known) => WORDS[known.at](known);

export const buttonOf = (known) => BUTTONS[known.at];

/** Return what stands before the page's title, where a tab or a phone's list of pages shows it. */
export function shortly({ at, told, isHidden }) {
  if (at === 'asking') return 'Waiting for you';
  if (at === 'lost') return 'No connection';
  if (isDone(told) && ['in', 'ended'].includes(at)) return 'Done';
  if (at !== 'in') return { joining: 'Joining', moved: 'In another tab', ended: 'Ended' }[at] ?? 'Not measured';
  if (isHidden) return 'Paused';
  return told.of ? `${Math.floor((100 * (told.done ?? 0)) / told.of)} %` : 'Waiting';
}

function refusal({ status, reason, device, hasBeenIn, hasToken }) {
  if (status === 403 && reason.includes('sent home')) return sentHome(reason);
  if (status === 403 && hasBeenIn) return 'The run that this device took part in is over. You can close this page.';
  if (status === 403 && device) return 'This browser keeps no cookie of this page: allow it, and open the link again.';
  if (status === 403 && hasToken) return 'This link is of another run: open the one that is shown now, or scan its code.';
  if (status === 403) return 'This address alone lets nobody in: open the whole link, or scan its code.';
  if (status === 429) return 'Too many have tried to join: wait a minute, and try again.';
  if (status === 503) return 'As many devices have joined as may: try again later, or ask whoever sent you the link.';
  return `The server did not let this device in (${status}: ${reason.trim().slice(0, 200)}): ask whoever sent you the link.`;
}

const sentHome = (reason) => `The server takes nothing more from this browser (${reason.trim().slice(0, 200)}). Open the link in another one.`;

/** Say what is measured now: often something else, and so not said aloud. */
export const detailOf = ({ at, told }) => (at === 'in' && told.state === 'measuring' && told.words) || '';

/** Say what else there is to know while something is measured; nothing where there is nothing. */
export function hintOf({ at, told, isAwake, pauses = 0 }) {
  if (at !== 'in' || isDone(told)) return '';
  const hints = [];
  if (pauses) hints.push(`This page was hidden ${pauses === 1 ? 'once' : `${pauses} times`}: what that cut is measured again.`);
  if (isAwake === false) hints.push('This page cannot keep the screen on: see to it that it does not go dark.');
  return hints.join(' ');
}

/** Say how far the run is. */
export function progressOf({ done = 0, of, seconds_left: seconds }) {
  return `${done} of ${of} measured${done < of ? `, ${timeLeft(seconds)}` : ''}`;
}

function timeLeft(seconds) {
  if (seconds === null || seconds === undefined) return 'time left not known yet';
  return seconds < 60 ? 'less than a minute left' : `${about(seconds)} left`;
}

/** Write a length of time, rounded: about 5 minutes. */
export function about(seconds) {
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 90) return `about ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`;
  return `about ${Math.round(minutes / 60)} hours`;
}
