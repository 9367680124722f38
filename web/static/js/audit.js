// The audit room: the slider asks for a step and redraws; the links do the same without scripts.
import { ask } from './asking.js';
import { drawAll, mark, marksOf, viewerOf } from './diagram.js';
import { check } from './trouble.js';

const room = document.querySelector('[data-audit]');
let asked = 0;

async function go(step) {
  const mine = ++asked;
  const address = new URL(location.href);
  address.searchParams.set('step', step);
  let text;
  try {
    text = await (await ask(address)).text();
  } catch {
    check(); // it says what is wrong; the step on screen stays
    return;
  }
  if (mine !== asked) return;
  history.replaceState(null, '', address);
  const fresh = new DOMParser().parseFromString(text, 'text/html');
  for (const part of fresh.querySelectorAll('[data-part]')) {
    const old = document.getElementById(part.id);
    const slider = document.activeElement?.matches('[data-slider]');
    old.replaceWith(part);
    // Who drags or keys along the slider goes on doing so on the fresh one.
    if (slider && part.id === 'stepper') part.querySelector('[data-slider]').focus();
  }
  await redraw(fresh.getElementById('sheets'));
  document.querySelectorAll('[data-step]').forEach((line) => line.toggleAttribute('aria-current', line.dataset.step === String(step)));
  document.querySelector('[data-step][aria-current]')?.scrollIntoView({ block: 'nearest' });
}

// A drawing that is there already keeps its place and zoom; only its marks change.
async function redraw(fresh) {
  const old = document.getElementById('sheets');
  const names = (root) => [...root.querySelectorAll('[data-sheet]')].map((tab) => tab.dataset.sheet).join();
  const current = (root) => root.querySelector('[data-sheet][aria-current]')?.dataset.sheet;
  if (names(old) !== names(fresh) || current(old) !== current(fresh)) {
    old.replaceWith(fresh);
    drawAll(fresh);
    return;
  }
  for (const data of fresh.querySelectorAll('script[type="application/json"]')) {
    document.getElementById(data.id).textContent = data.textContent;
  }
  for (const holder of old.querySelectorAll('[data-diagram][data-started]')) mark(await viewerOf(holder), marksOf(holder));
}

room?.addEventListener('input', (event) => {
  if (event.target.matches('[data-slider]')) go(Number(event.target.value));
});
room?.addEventListener('click', (event) => {
  const link = event.target.closest('[data-go]');
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  go(Number(link.dataset.go));
});
document.addEventListener('keydown', (event) => {
  if (event.target.closest('input, textarea, select, .canvas')) return;
  if (event.key === 'ArrowLeft') document.querySelector('[data-previous]')?.click();
  if (event.key === 'ArrowRight') document.querySelector('[data-next]')?.click();
});
