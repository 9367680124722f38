// Two drawings side by side that move together.
import { viewerOf } from './diagram.js';

const holders = [...document.querySelectorAll('[data-compare]')];
const viewers = await Promise.all(holders.map(viewerOf));
let following = false;
for (const viewer of viewers) {
  viewer.on('canvas.viewbox.changed', ({ viewbox }) => {
    if (following) return;
    following = true;
    for (const other of viewers) if (other !== viewer) other.get('canvas').viewbox({ x: viewbox.x, y: viewbox.y, width: viewbox.width, height: viewbox.height });
    following = false;
  });
}
document.addEventListener('click', (event) => {
  const link = event.target.closest('[data-element]');
  if (!link) return;
  for (const viewer of viewers) {
    const element = viewer.get('elementRegistry').get(link.dataset.element);
    if (element) viewer.get('canvas').scrollToElement(element, 150);
  }
});
