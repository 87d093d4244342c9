// What a look at a report asks in the page itself: injected by look.mjs, so that the page needs no script of its own.

globalThis.look = (() => {
  const SCROLLS = ["auto", "scroll"];
  const CUTS = ["hidden", "clip"];

  const box = (element) => element.getBoundingClientRect();
  const style = (element) => getComputedStyle(element);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  /** An element in words that lead a person to it. */
  function named(element) {
    const where = element.closest("section")?.id ?? "";
    const words = (element.getAttribute("aria-label") ?? element.textContent).trim().replace(/\s+/g, " ").slice(0, 40);
    return `${where ? `#${where} ` : ""}<${element.localName}> ${words}`;
  }

  function ancestors(element) {
    const found = [];
    for (let one = element.parentElement; one; one = one.parentElement) found.push(one);
    return found;
  }

  const isShown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const opacity = (element) => [element, ...ancestors(element)].reduce((all, one) => all * style(one).opacity, 1);

  /** Whether a mark has a size and a colour. */
  function isPainted(mark) {
    const { width, height } = box(mark);
    const { fill, fillOpacity, stroke, strokeOpacity, strokeWidth } = style(mark);
    const isFilled = alpha(fill) * fillOpacity > 0 && width > 0 && height > 0;
    const isDrawn = alpha(stroke) * strokeOpacity > 0 && parseFloat(strokeWidth) > 0 && width + height > 0;
    return isShown(mark) && (isFilled || isDrawn);
  }

  const words = (root) => all("text", root).filter((text) => text.textContent.trim() && isShown(text)).filter(isOnTop);

  /** Whether words are not the rim of the same words, which are drawn over them. */
  function isOnTop(text, index, texts) {
    const middle = ({ left, right, top, bottom }) => [(left + right) / 2, (top + bottom) / 2];
    const isSame = (one, other) => middle(one).every((place, axis) => Math.abs(place - middle(other)[axis]) < 2);
    const later = texts.slice(index + 1).filter(({ textContent }) => textContent === text.textContent);
    return !later.some((other) => isSame(box(text), box(other)));
  }

  // Sections and charts

  const sections = () =>
    all("main section[id]").map((section) => ({
      id: section.id,
      title: section.querySelector("h2")?.textContent ?? "",
      height: box(section).height,
      tables: all("table", section).length,
      charts: all("figure", section).map(chart),
    }));

  function chart(figure) {
    const svg = figure.querySelector("svg");
    const texts = svg ? words(svg) : [];
    return {
      title: figure.querySelector("h3, h4")?.textContent ?? "",
      role: svg?.getAttribute("role") ?? null,
      label: svg?.getAttribute("aria-label") ?? "",
      marks: svg ? all(".role-mark > *", svg).filter(isPainted).length : 0,
      rows: all("table tbody tr", figure.closest(".chart") ?? figure).length,
      cut: svg ? texts.filter((text) => sticksOut(box(text), box(svg))).map((text) => text.textContent) : [],
      overlapping: overlapping(texts),
    };
  }

  const sticksOut = (inner, outer) =>
    inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1;

  /** Words that are drawn over other words: a third of the smaller's height and width at least. */
  function overlapping(texts) {
    const boxes = texts.map((text) => [text.textContent, box(text)]);
    const pairs = boxes.flatMap(([words, one], index) =>
      boxes.slice(index + 1).filter(([, other]) => overlap(one, other)).map(([others]) => `${words} / ${others}`),
    );
    return pairs;
  }

  function overlap(one, other) {
    const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
    const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
    return across > Math.min(one.width, other.width) / 3 && down > Math.min(one.height, other.height) / 3;
  }

  // Contrast of the words in charts, which axe-core leaves out

  const drawing = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

  function rgba(colour) {
    if (colour === "none") return [0, 0, 0, 0];
    drawing.clearRect(0, 0, 1, 1);
    drawing.fillStyle = colour;
    drawing.fillRect(0, 0, 1, 1);
    return [...drawing.getImageData(0, 0, 1, 1).data];
  }

  const alpha = (colour) => (colour === "none" ? 0 : rgba(colour)[3] / 255);
  const over = (front, share, back) => back.map((value, index) => front[index] * share + value * (1 - share));

  function luminance(colour) {
    const [red, green, blue] = colour.map((value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  function contrast(one, other) {
    const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  }

  /** What lies behind a text: the page, and the bars and cells that were drawn before it under its middle. */
  function behind(text, bars, paper) {
    const { left, right, top, bottom } = box(text);
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const isBefore = (bar) => bar.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING;
    const isUnder = (one) => one.left <= x && x <= one.right && one.top <= y && y <= one.bottom;
    const under = bars.filter((bar) => isUnder(box(bar)) && isBefore(bar));
    return under.reduce((colour, bar) => over(rgba(style(bar).fill), alpha(style(bar).fill) * style(bar).fillOpacity * opacity(bar), colour), paper);
  }

  /** Words of charts that are hard to read: below 4.5 to 1, as WCAG asks of text of this size. */
  function faint() {
    const paper = rgba(style(document.body).backgroundColor).slice(0, 3);
    return all("figure svg").flatMap((svg) => {
      const bars = all(".mark-rect.role-mark > *, .mark-arc.role-mark > *", svg);
      return words(svg).flatMap((text) => {
        const back = behind(text, bars, paper);
        const front = over(rgba(style(text).fill), alpha(style(text).fill) * style(text).fillOpacity * opacity(text), back);
        const found = contrast(front, back);
        return found < 4.5 ? [`${named(svg)}: ${text.textContent} (${found.toFixed(1)} to 1)`] : [];
      });
    });
  }

  // Widths

  /** What is wider than the window, outside a region that scrolls; what is cut off; how wide the whole is. */
  function sideways() {
    const width = document.documentElement.clientWidth;
    const isKept = (element) => ancestors(element).some((one) => one !== document.body && SCROLLS.includes(style(one).overflowX));
    const elements = all("body *:not(svg *)").filter((element) => element.checkVisibility());
    const isOut = ({ left, right }) => right > width + 1 || (left < -1 && right > 0);
    return {
      by: Math.max(0, document.scrollingElement.scrollWidth - width),
      outside: elements.filter((element) => isOut(box(element)) && !isKept(element)).map(named),
      cut: elements.filter(isCut).map(named),
    };
  }

  const isCut = (element) =>
    CUTS.includes(style(element).overflowX) && element.clientWidth > 1 && element.localName !== "svg" && element.scrollWidth > element.clientWidth + 1;

  /** How many times as large words are when the person asks for larger ones, by kind of element. */
  function growth() {
    const kinds = ["h1", "h2", "p", "summary", "td", "a"].filter((kind) => document.querySelector(kind));
    const sizes = () => kinds.map((kind) => parseFloat(style(document.querySelector(kind)).fontSize));
    const before = sizes();
    document.documentElement.style.fontSize = "200%";
    const after = sizes();
    return Object.fromEntries(kinds.map((kind, index) => [kind, after[index] / before[index]]));
  }

  const fold = (isOpen) => all("details").forEach((one) => (one.open = isOpen));

  // Paper

  const PAGE_HEIGHT = ((297 - 2 * 12) / 25.4) * 96; // px of an A4 page within its margins

  /** Whether a word, such as a number, stands in several lines. */
  function isBroken(cell) {
    const range = document.createRange();
    range.selectNodeContents(cell);
    return !/\s/.test(cell.textContent.trim()) && new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1;
  }

  /** What does not come onto paper: what is folded, what lies beyond the edge, and what is torn apart. */
  function unprinted() {
    const folded = all("details:not([open]) > *:not(summary)").filter((one) => !one.checkVisibility() || box(one).height === 0);
    const scrolled = all("body *").filter((one) => SCROLLS.includes(style(one).overflowX) && one.scrollWidth > one.clientWidth + 1);
    const torn = [...all("td.number").filter(isBroken), ...all("figure").filter((one) => box(one).height > PAGE_HEIGHT)];
    return { folded: folded.map(named), beyond: [...scrolled.map(named), ...sideways().outside], torn: torn.map(named) };
  }

  /** Show on the screen what is meant for paper, where a browser cannot be told to. */
  function asOnPaper() {
    for (const sheet of document.styleSheets)
      for (const rule of sheet.cssRules)
        if (rule.media) rule.media.mediaText = rule.media.mediaText.replace(/\bprint\b/, "all").replace(/\bscreen\b/, "not all");
  }

  // Keyboard

  const REACHABLE = "a[href], summary, button, input, select, textarea, [tabindex='0']";
  const reachable = () => all(REACHABLE).filter((element) => element.getClientRects().length > 0 && element.checkVisibility());

  /** The element that has the focus; null where none has. */
  function focused() {
    const element = document.activeElement;
    if (!element || element === document.body || element === document.documentElement) return null;
    const { outlineStyle, outlineWidth } = style(element);
    const { top, bottom, left, right, width, height } = box(element);
    const isInView = width > 0 && height > 0 && bottom > 0 && top < innerHeight && right > 0 && left < innerWidth;
    return {
      number: all(REACHABLE).indexOf(element),
      kind: element.localName,
      words: named(element),
      target: element.getAttribute("href"),
      isMarked: element.matches(":focus-visible") && outlineStyle !== "none" && parseFloat(outlineWidth) > 0,
      isInView,
      isFolded: element.localName === "summary" && !element.parentElement.open,
      isScrolling: SCROLLS.includes(style(element).overflowX) && element.scrollWidth > element.clientWidth + 1,
      scrolled: element.scrollLeft,
    };
  }

  const unreached = (numbers) => reachable().filter((one) => !numbers.includes(all(REACHABLE).indexOf(one))).map(named);
  const folded = () => all("details:not([open])").map(named);

  const focus = (number) => all(REACHABLE)[number].focus();

  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

  /** Whether a link within the page has led where it says: what is left out until it is near is drawn a frame later. */
  async function arrives(target) {
    await frame();
    await frame();
    const there = document.getElementById(decodeURIComponent(target.slice(1)));
    return there !== null && location.hash === target && box(there).top < innerHeight && box(there).bottom > 0;
  }

  return { sections, faint, sideways, growth, fold, unprinted, asOnPaper, focused, focus, unreached, folded, arrives };
})();
