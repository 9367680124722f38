// Before a form is sent the page makes sure that there is somebody to take it: a browser that finds nobody shows a
// page of its own in the place of ours, with nothing of what was typed.
import { person } from './stash.js';
import { check, say, words } from './trouble.js';

const MOST = 32 * 1024 * 1024; // bytes of a request
const AGAIN = 10_000; // milliseconds until a form whose answer was no page may be sent once more
let passing = null;

const size = (form) => [...new FormData(form).values()].reduce((sum, value) => sum + (value instanceof File ? value.size : 0), 0);

const holdsText = (form) => [...form.elements].some((one) => one.matches('textarea, select, input:not([type="hidden"])'));
let asked = null; // what was pressed and is not on its way yet

document.addEventListener('submit', async (event) => {
  const form = event.target;
  if (form === passing || event.defaultPrevented) return;
  const question = form.dataset.confirm;
  if (question) {
    if (!confirm(question)) {
      event.preventDefault();
      return;
    }
    form.append(Object.assign(document.createElement('input'), { type: 'hidden', name: 'sure', value: 'yes' }));
  }
  if (!person || form.getAttribute('method')?.toLowerCase() !== 'post') return;
  if (!holdsText(form)) {
    form.dispatchEvent(new CustomEvent('sent'));
    return;
  }
  event.preventDefault();
  if (form.dataset.sending) return;
  if (size(form) > MOST) {
    say([words.not_sent, words.too_large]);
    return;
  }
  form.dataset.sending = 'yes';
  const button = event.submitter;
  asked = { form, button };
  const wrong = await check(words.not_sent);
  await form.saving; // the form tells which draft its page knows of: the last one that it kept
  asked = null;
  if (wrong) {
    delete form.dataset.sending;
    return;
  }
  form.dispatchEvent(new CustomEvent('sent'));
  passing = form;
  form.requestSubmit(button);
  passing = null;
  // The submit key makes a second click harmless; the button says that the first one was heard.
  if (button?.classList.contains('primary')) setTimeout(() => { button.disabled = true; }, 0);
  setTimeout(() => { delete form.dataset.sending; }, AGAIN);
});

// Who pressed and left at once meant it all the same.
addEventListener('pagehide', () => {
  if (!asked) return;
  const { form, button } = asked;
  form.dispatchEvent(new CustomEvent('sent'));
  const address = button?.getAttribute('formaction') ?? form.action;
  fetch(address, { method: 'POST', body: new FormData(form, button), keepalive: true, redirect: 'manual' }).catch(() => {});
}, true);

addEventListener('pageshow', (event) => {
  if (!event.persisted) return;
  for (const button of document.querySelectorAll('button.primary:disabled')) button.disabled = false;
  for (const form of document.querySelectorAll('form[data-sending]')) delete form.dataset.sending;
});
