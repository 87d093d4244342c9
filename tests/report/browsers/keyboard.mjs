// A walk through a page by keyboard alone: Tab from stop to stop, Enter on what is folded.

const MOST = 2000; // stops, of a page that holds the focus for ever

/** Walk; return the stops, what was not reached, and what stayed folded. */
export async function walk(page) {
  const stops = [];
  for (let stop = await next(page); stop && stops.length < MOST; stop = await next(page)) {
    if (stops.some(({ number }) => number === stop.number)) break;
    stops.push(stop);
    if (stop.isFolded) await page.keyboard.press("Enter");
    if (stop.isScrolling) stop.scrolls = await scrolls(page, stop);
  }
  return {
    stops,
    unreached: await page.evaluate((numbers) => look.unreached(numbers), stops.map(({ number }) => number)),
    folded: await page.evaluate(() => look.folded()),
  };
}

async function next(page) {
  await page.keyboard.press("Tab");
  return page.evaluate(() => look.focused());
}

/** Whether an arrow key moves what is in a region; both browsers move it smoothly, over some frames. */
async function scrolls(page, { scrolled }) {
  await page.keyboard.press("ArrowRight");
  const moved = (before) => document.activeElement.scrollLeft > before;
  return page.waitForFunction(moved, { timeout: 5000 }, scrolled).then(() => true, () => false);
}

/** Follow the links among *stops*, with Enter; return the words of those that lead nowhere. */
export async function astray(page, stops) {
  const found = [];
  for (const { number, words, target } of stops.filter(({ kind }) => kind === "a")) {
    await page.evaluate((one) => look.focus(one), number);
    await page.keyboard.press("Enter");
    if (!(await page.evaluate((one) => look.arrives(one), target))) found.push(words);
  }
  return found;
}
