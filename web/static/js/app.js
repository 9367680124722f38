// What pages gain with scripts: keys, autosubmit, remembered focus, and what the imported parts say of themselves.
// All works without. What is sent comes first: who leaves a page just after pressing has sent, not only typed.
import './sending.js';
import './drafts.js';
import './corrected.js';
import './redrawing.js';

const typing = (target) => target.closest('input, textarea, select, [contenteditable]');

// ------------------------------------------------------------ rows and keys
function rows() {
  return [...document.querySelectorAll('[data-rows] tbody tr')];
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step))];
  next.querySelector('[data-open]')?.focus();
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  n: () => document.querySelector('[data-key="n"]')?.click(),
  '/': () => document.getElementById('find')?.focus(),
  '?': () => document.getElementById('keys')?.showModal?.(),
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.key === 'Escape') {
    document.querySelectorAll('details.menu[open]').forEach((menu) => { menu.open = false; });
    return;
  }
  if (typing(event.target) || document.querySelector('dialog[open]') || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
});

document.addEventListener('focusin', (event) => {
  for (const row of rows()) row.classList.toggle('current', row.contains(event.target));
});

document.addEventListener('click', (event) => {
  const opener = event.target.closest('[data-opens]');
  if (opener) document.getElementById(opener.dataset.opens)?.showModal?.();
  for (const menu of document.querySelectorAll('details.menu[open]')) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener('change', (event) => {
  const holder = event.target.closest('[data-autosubmit]');
  if (holder) (holder.form ?? holder).requestSubmit();
});

// ------------------------------------------------------------ nothing typed is lost without a word
for (const form of document.querySelectorAll('form[data-guard]')) {
  let typed = false;
  form.addEventListener('input', () => { typed = true; });
  form.addEventListener('sent', () => { typed = false; });
  addEventListener('beforeunload', (event) => { if (typed) event.preventDefault(); });
}

// Who types already, before scripts came, stays in the field.
if (document.activeElement === document.body) document.querySelector('#errsum')?.focus();
