// A red field loses its error as soon as it is right: the server is asked, and only the looks change, so that nothing
// that is being typed moves.
import { ask } from './asking.js';

const PAUSE = 500; // milliseconds after the last letter

for (const form of document.querySelectorAll('form[data-preview]')) {
  let waiting = 0;
  let asked = 0;
  const wrong = () => [...form.querySelectorAll('.field.in-error')];
  const look = async () => {
    const mine = ++asked;
    const body = new FormData(form);
    for (const [name, value] of [...body]) if (value instanceof File) body.delete(name);
    let fresh;
    try {
      const answer = await ask(form.dataset.preview, { method: 'POST', body: new URLSearchParams(body) });
      fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
    } catch {
      return; // drafts say what is wrong with the server
    }
    if (mine !== asked) return;
    for (const field of wrong()) {
      if (!fresh.getElementById(field.id)?.classList.contains('in-error')) calm(field);
    }
    summary(form, fresh);
  };
  form.addEventListener('input', (event) => {
    if (!wrong().length) return;
    const field = event.target.closest('.field.in-error');
    if (field && event.target.type === 'file' && event.target.files.length) {
      // The server does not get the file before the form is sent.
      calm(field);
      const bad = form.querySelector('input[name="_bad"]');
      bad.value = bad.value.split(' ').filter((name) => name !== event.target.name).join(' ');
    }
    clearTimeout(waiting);
    waiting = setTimeout(look, PAUSE);
  });
  // Letters typed while the scripts were on their way count as well.
  if (wrong().some((field) => [...field.querySelectorAll('input, textarea')].some(changed))) look();
}

function changed(control) {
  return control.type === 'checkbox' || control.type === 'radio'
    ? control.checked !== control.defaultChecked
    : control.type !== 'file' && control.value !== control.defaultValue;
}

function calm(field) {
  field.classList.remove('in-error');
  field.querySelector(`[id="err-${field.id.slice('field-'.length)}"]`)?.remove();
  for (const control of field.querySelectorAll('[aria-invalid]')) {
    if (control.closest('.field') !== field) continue;
    control.removeAttribute('aria-invalid');
  }
  for (const element of field.querySelectorAll('[aria-describedby]')) {
    const left = element.getAttribute('aria-describedby').split(' ').filter((id) => document.getElementById(id));
    if (left.length) element.setAttribute('aria-describedby', left.join(' '));
    else element.removeAttribute('aria-describedby');
  }
}

function summary(form, fresh) {
  const old = form.querySelector('#errsum');
  const now = fresh.getElementById('errsum');
  if (old && now) old.replaceChildren(...now.childNodes);
  else old?.remove();
  const [bad, better] = [form, fresh].map((root) => root.querySelector('input[name="_bad"]'));
  if (bad && better) bad.value = better.value;
}
