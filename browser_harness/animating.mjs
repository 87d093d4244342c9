// What a visitor sees of a page that computes: an animation is drawn while inferences run, and all that holds it up is told.
//
// Each inference is begun in a task of its own, as by an event: a camera's frame, a click. `for (;;) await infer()` would
// not do. Most runtimes compute before they return, so that what they promise is there already, and what follows an await
// is a microtask: all inferences would be one task without an end, and the page would freeze whatever each of them takes.
//
// Tasks are seen in two ways. The browser tells those of 50 ms and more, whoever began them (W3C, Long Tasks API,
// https://www.w3.org/TR/longtasks-1/). Those that begin an inference are timed here as well, however short: a message
// that a task posts to its own page is handled when it has ended. What a runtime does in later tasks, as an answer from
// a worker or another process arrives, only the browser sees, and below 50 ms nobody. Yet a frame cannot be drawn before
// what is under way has ended: how late the latest was tells that something was.

const SIDE = 64; // of the canvas, in pixels: so small that drawing it costs the inferences next to nothing

/** Draw for some `seconds` while nothing is computed; return in ms how long that was, and of each frame what `end` tells. */
export async function atRest(seconds) {
  const animation = animate();
  const start = performance.now();
  await new Promise((resolve) => { setTimeout(resolve, seconds * 1e3); });
  return animation.end(start, performance.now());
}

/**
 * Call `infer` again and again while the page draws, for some `seconds` and `least` times at least. Return the last
 * results, and what was seen, in milliseconds from the first inference's beginning: the `window` until the last one's
 * end, the length of each inference, when each frame was drawn and how late the `latest` was, and the beginning and end
 * of each task that began an inference, and of each that the browser calls long.
 */
export async function meanwhile(infer, { seconds, least }) {
  const animation = animate();
  const long = longTasks();
  const [samples, tasks] = [[], []];
  let last;
  let start;
  do {
    last = await inItsOwnTask(infer);
    start ??= last.began;
    samples.push(last.ended - last.began);
    tasks.push([last.began, last.taskEnded]);
  } while (samples.length < least || last.ended < start + seconds * 1e3);
  const isInside = ([from, to]) => to > start && from < last.ended;
  const told = (await long.end()).filter(isInside);
  const shifted = (spans) => spans.map((span) => span.map((time) => time - start));
  const drawn = animation.end(start, last.ended);
  return { results: last.results, seen: { ...drawn, samples, tasks: shifted(tasks), longTasks: shifted(told) } };
}

/** Call `infer` in a task of its own; return its results, when it began and ended, and when the task it began in ended. */
async function inItsOwnTask(infer) {
  await nextTask();
  const began = performance.now();
  const behind = nextTask().then(() => performance.now());
  const results = await infer();
  const ended = performance.now();
  return { results, began, ended, taskEnded: await behind };
}

/** Return a promise that is kept at the beginning of a later task, behind all messages that were posted before. */
const nextTask = () =>
  new Promise((resolve) => {
    own.port1.addEventListener('message', resolve, { once: true });
    own.port2.postMessage(null);
  });

const own = new MessageChannel();
own.port1.start();

/** Observe what the browser calls long tasks until `end`, which returns beginning and end of each. */
function longTasks() {
  if (!PerformanceObserver.supportedEntryTypes.includes('longtask')) {
    throw new Error('this browser tells no long tasks'); // words that Python knows
  }
  const spans = [];
  const add = (entries) => spans.push(...entries.map((entry) => [entry.startTime, entry.startTime + entry.duration]));
  const observer = new PerformanceObserver((list) => add(list.getEntries()));
  observer.observe({ type: 'longtask' });
  return { end };

  async function end() {
    // A task is told when it has ended, in a later one: that one must be over, too.
    for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => { setTimeout(resolve); });
    add(observer.takeRecords());
    observer.disconnect();
    return spans;
  }
}

/**
 * Draw a square that moves, frame by frame, until `end`, which returns when in a window each frame was drawn, and how long
 * after the screen's turn the `latest` was. Throws there where the page was hidden meanwhile: a browser draws no page that
 * nobody can see.
 */
function animate() {
  const canvas = Object.assign(document.createElement('canvas'), { width: SIDE, height: SIDE });
  document.body.append(canvas);
  const drawing = canvas.getContext('2d');
  const frames = [];
  let wasHidden = document.hidden;
  const look = () => { wasHidden ||= document.hidden; };
  document.addEventListener('visibilitychange', look);
  let request = requestAnimationFrame(draw);
  return { end };

  function draw(due) {
    request = requestAnimationFrame(draw);
    const count = frames.push([due, performance.now()]);
    drawing.clearRect(0, 0, SIDE, SIDE);
    drawing.fillRect(count % SIDE, 0, 8, SIDE);
  }

  function end(from, to) {
    cancelAnimationFrame(request);
    document.removeEventListener('visibilitychange', look);
    canvas.remove();
    if (wasHidden) throw new Error('the page was hidden, and a browser draws no hidden page: bring its window to the front');
    const inside = frames.filter(([, at]) => at >= from && at <= to);
    const late = inside.map(([due, at]) => at - Math.max(due, from));
    return { window: to - from, frames: inside.map(([, at]) => at - from), latest: Math.max(0, ...late) };
  }
}
