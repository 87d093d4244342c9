// The page that a person opens by the link: it joins, says what is going on, and has the page that is measured in a frame.
// See ../server.py and ../device.py. One thing is done after another: while a call runs, nothing is drawn or computed here.

import { aboutThis, isAbleToCompute } from '/about.mjs';
import { keepAwake } from '/awake.mjs';
import { does, watch } from '/frame.mjs';
import { Link } from '/link.mjs';
import { foldOffer, onPress, painted, see, showOffer } from '/sight.mjs';

let last = Promise.resolve(); // what the server asked for last
let agree;
const agreed = new Promise((resolve) => { agree = resolve; });
const link = new Link({ take, see });

start();

async function start() {
  document.getElementById('late').remove();
  onPress({ asking: agree, lost: () => link.look(), moved: () => link.again(), refused: () => location.reload() });
  see({ at: isAbleToCompute() ? 'joining' : 'too-old' });
  if (!isAbleToCompute()) return;
  const about = await aboutThis();
  const joined = await link.join(about);
  if (!joined) return;
  showOffer({ ...joined, about });
  see({ device: joined.device, at: joined.asks_consent ? 'asking' : 'joining' });
  if (joined.asks_consent) await agreed;
  foldOffer();
  await keepAwake((isAwake) => see({ isAwake }));
  watch({ hidden, noted: (words) => link.send({ noted: words }) });
  link.open();
}

function hidden(isHidden) {
  see({ isHidden });
  if (isHidden) link.send({ visible: false });
  else link.look();
}

/** Do what the server asks for when all before is done; a new page is loaded at once, whatever keeps the old one busy. */
function take(message) {
  const before = message.do === 'load' ? Promise.resolve() : last;
  last = before.then(() => (message.do === 'show' ? show(message) : answer(message)));
}

async function show({ told }) {
  see({ told });
  await painted();
}

async function answer({ id, ...asked }) {
  link.rest(false);
  const told = await does(asked);
  link.send({ id, ...told });
  link.rest(true);
}
