// Draws diagrams with the marks of a case. Text reaches the drawing by textContent only.
import { createViewer } from '../vendor/viewer.js';
import { ask, Refused } from './asking.js';
import { check } from './trouble.js';

const bubble = (kind, text) => {
  const node = document.createElement('div');
  node.className = `overlay ${kind}`;
  node.textContent = text;
  return node;
};

/** Put `marks` (see web/diagrams.py) on the drawing of `viewer`. */
export function mark(viewer, marks) {
  const canvas = viewer.get('canvas');
  const overlays = viewer.get('overlays');
  const registry = viewer.get('elementRegistry');
  const known = (id) => registry.get(id);
  overlays.clear();
  registry.forEach((element) => {
    for (const name of ['done', 'here', 'late', 'focus', 'added', 'removed', 'changed']) canvas.removeMarker(element.id, `st-${name}`);
  });
  for (const [id, { state, times }] of Object.entries(marks.elements ?? {})) {
    if (!known(id)) continue;
    if (state === 'here' || state === 'inside') canvas.addMarker(id, 'st-here');
    else if (times) canvas.addMarker(id, 'st-done');
    if (times > 1) overlays.add(id, { position: { top: -10, right: 12 }, html: bubble('times', `×${times}`) });
  }
  for (const id of marks.flows ?? []) if (known(id)) canvas.addMarker(id, 'st-done');
  for (const id of marks.late ?? []) if (known(id)) canvas.addMarker(id, 'st-late');
  for (const id of marks.focus ?? []) if (known(id)) canvas.addMarker(id, 'st-focus');
  for (const [id, due] of Object.entries(marks.timers ?? {})) {
    if (known(id)) overlays.add(id, { position: { bottom: -4, left: 18 }, html: bubble('timer', due) });
  }
  for (const [id, kind] of Object.entries(marks.changed ?? {})) if (known(id)) canvas.addMarker(id, `st-${kind}`);
}

/** Bring what matters into view: the current elements if the drawing is too large to read, else all of it. */
export function settle(viewer, marks) {
  const canvas = viewer.get('canvas');
  canvas.zoom('fit-viewport', 'auto');
  const current = Object.entries(marks.elements ?? {}).filter(([, { state }]) => state === 'here').map(([id]) => id);
  const wanted = [...(marks.focus ?? []), ...current].map((id) => viewer.get('elementRegistry').get(id)).filter((e) => e && !e.waypoints);
  if (canvas.zoom() < 0.55 && wanted.length) {
    canvas.zoom(0.75);
    canvas.scrollToElement(wanted.at(-1), { top: 120, bottom: 120, left: 200, right: 200 });
  }
}

const drawn = new WeakMap();

/** The viewer of a `[data-diagram]` element, its diagram imported. */
export function viewerOf(holder) {
  if (!drawn.has(holder)) {
    drawn.set(holder, (async () => {
      const answer = await ask(holder.dataset.diagram);
      const viewer = createViewer(holder);
      await viewer.importXML(await answer.text());
      holder.dataset.ready = 'yes';
      return viewer;
    })());
  }
  return drawn.get(holder);
}

export const marksOf = (holder) => JSON.parse(document.getElementById(holder.dataset.marks)?.textContent ?? '{}');

async function draw(holder) {
  let viewer;
  try {
    viewer = await viewerOf(holder);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    // The page says what is wrong with the server; drawn it is when that is over.
    drawn.delete(holder);
    delete holder.dataset.started;
    check();
    return;
  }
  const marks = marksOf(holder);
  mark(viewer, marks);
  settle(viewer, marks);
  holder.dispatchEvent(new CustomEvent('diagram:drawn', { bubbles: true, detail: { viewer } }));
  viewer.get('eventBus').on('element.click', ({ element }) => {
    const line = document.getElementById(`step-${holder.dataset.process}-${element.id}`);
    if (!line) return;
    for (const other of document.querySelectorAll('.steps .current')) other.classList.remove('current');
    const list = line.closest('details');
    if (list) list.open = true;
    line.classList.add('current');
    line.scrollIntoView({ block: 'nearest' });
  });
}

// Where there is a drawing, the list of steps waits folded.
function fold(root) {
  for (const list of root.querySelectorAll('details[data-fold]:not(.ready)')) {
    list.open = false;
    list.classList.add('ready');
  }
}

/** Draw every visible diagram below `root`; hidden ones wait for their tab. */
export function drawAll(root = document) {
  fold(root);
  for (const holder of root.querySelectorAll('[data-diagram]')) {
    if (holder.offsetParent !== null && !holder.dataset.started) {
      holder.dataset.started = 'yes';
      draw(holder);
    }
  }
}

document.addEventListener('click', (event) => {
  const tab = event.target.closest('[data-sheet]');
  if (!tab) return;
  event.preventDefault();
  const group = tab.closest('[data-sheets]');
  for (const other of group.querySelectorAll('[data-sheet]')) other.toggleAttribute('aria-current', other === tab);
  tab.setAttribute('aria-current', 'true');
  for (const sheet of group.querySelectorAll('[data-sheet-of]')) sheet.hidden = sheet.dataset.sheetOf !== tab.dataset.sheet;
  drawAll(group);
});

drawAll();
document.addEventListener('server:back', () => drawAll());
