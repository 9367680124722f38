// What pages gain with scripts: keys, autosubmit, autosaved drafts, remembered panels. All works without.

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

// ------------------------------------------------------------ polled parts keep the focus where it was
document.addEventListener('htmx:beforeSwap', (event) => {
  const focused = document.activeElement;
  if (focused?.id && event.detail.target.contains(focused)) {
    const { id } = focused;
    document.addEventListener('htmx:afterSettle', () => document.getElementById(id)?.focus(), { once: true });
  }
});

// A lost connection is said, not hidden: what is on screen may be old.
document.addEventListener('htmx:sendError', () => document.documentElement.classList.add('offline'));
document.addEventListener('htmx:afterRequest', (event) => {
  if (event.detail.xhr?.status) document.documentElement.classList.remove('offline');
});

// ------------------------------------------------------------ drafts of forms
for (const form of document.querySelectorAll('form[data-draft]')) {
  const said = form.querySelector('[data-draft-said]');
  let waiting = 0;
  const keep = async () => {
    waiting = 0;
    const body = new FormData(form);
    for (const [name, value] of [...body]) if (value instanceof File) body.delete(name);
    try {
      const answer = await fetch(form.dataset.draft, { method: 'POST', body: new URLSearchParams(body), keepalive: true });
      if (said) said.hidden = !answer.ok;
    } catch {
      if (said) said.hidden = true;
    }
  };
  form.addEventListener('input', () => {
    if (said) said.hidden = true;
    clearTimeout(waiting);
    waiting = setTimeout(keep, 1200);
  });
  form.addEventListener('submit', (event) => {
    clearTimeout(waiting);
    // The submit key makes a second click harmless; the button says that the first one was heard.
    const button = event.submitter;
    if (button?.classList.contains('primary')) setTimeout(() => { button.disabled = true; }, 0);
  });
  addEventListener('pagehide', () => { if (waiting) keep(); });
}
addEventListener('pageshow', (event) => {
  if (event.persisted) document.querySelectorAll('button.primary:disabled').forEach((button) => { button.disabled = false; });
});

// ------------------------------------------------------------ nothing typed is lost without a word
for (const form of document.querySelectorAll('form[data-guard]')) {
  let typed = false;
  form.addEventListener('input', () => { typed = true; });
  form.addEventListener('submit', () => { typed = false; });
  addEventListener('beforeunload', (event) => { if (typed) event.preventDefault(); });
}
document.addEventListener('submit', (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

document.querySelector('#errsum')?.focus();
