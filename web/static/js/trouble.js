// When the server does not take what a page sends, the page says so in words, offers a way on, and goes on by itself
// as soon as it can: the address /signed-in tells who is signed in here and gives the token of forms.
import { ask } from './asking.js';
import { person } from './stash.js';

const bar = document.getElementById('trouble');
export const words = JSON.parse(document.getElementById('trouble-words')?.textContent ?? '{}');
const EVERY = 4000; // milliseconds between two looks while something is wrong

let state = ''; // '', or why nothing can be sent from here: out, other, away, failing
let before = ''; // what came first in the bar: that something was not sent
let shown = ''; // what the bar says; the same again must not be read out again, nor move under somebody's click
let looking = null;
let waiting = 0;
let typedHere = () => false; // whether the page holds text that the server does not have
let keptHere = () => true; // whether this browser keeps it

/** Tells the bar what it may promise. */
export function promise(typed, kept) {
  typedHere = typed;
  keptHere = kept;
}

export const clock = (at) => new Intl.DateTimeFormat('zh-CN', { hour: '2-digit', minute: '2-digit', hour12: false, timeZone: 'Asia/Shanghai' }).format(new Date(at));

/** Say something in the bar. `ways` are [words, what a click does] or [words, address to open]. */
export function say(sentences, ways = []) {
  const text = sentences.filter(Boolean).join(document.documentElement.lang === 'en' ? ' ' : '');
  const all = JSON.stringify([text, ways.map(([label]) => label)]);
  if (!bar || (all === shown && !bar.hidden)) return;
  shown = all;
  bar.querySelector('p').textContent = text;
  bar.querySelector('.actions').replaceChildren(...ways.map(([label, way]) => {
    const element = document.createElement(typeof way === 'string' ? 'a' : 'button');
    element.className = 'btn small';
    element.textContent = label;
    if (typeof way === 'string') {
      element.href = way;
      // What is typed stays where it is while one signs in beside it.
      if (document.querySelector('form[data-draft], form[data-guard], [data-designer]')) element.target = '_blank';
    } else {
      element.type = 'button';
      element.addEventListener('click', way);
    }
    return element;
  }));
  bar.hidden = false;
}

export function hush() {
  if (bar) bar.hidden = true;
}

function signIn() {
  const here = document.querySelector('[data-page]')?.dataset.page ?? location.pathname + location.search;
  return `/sign-in?next=${encodeURIComponent(here)}`;
}

/** Say why nothing can be sent. `first` comes before it ("Not sent."). */
export function tell(why, first = '') {
  before = first || (state ? before : '');
  state = why;
  document.documentElement.classList.toggle('offline', why === 'away');
  const rest = typedHere() ? (keptHere() ? words.here : words.page_only) : words.old;
  const again = [[words.again, () => check()]];
  say([before, words[why], rest], { out: [[words.sign_in, signIn()]], other: [], away: again, failing: again }[why]);
  clearTimeout(waiting);
  waiting = setTimeout(check, EVERY);
}

/** Ask who is signed in here; resolves to '' when this page's person is, else to what is wrong. */
export function check(first = '') {
  looking ??= look(typeof first === 'string' ? first : '').finally(() => { looking = null; });
  return looking;
}

async function look(first) {
  clearTimeout(waiting);
  let found;
  try {
    found = await (await ask('/signed-in', { wait: 8000, headers: { Accept: 'application/json' } })).json();
  } catch (refused) {
    tell(refused.status ? 'failing' : 'away', first);
    return state;
  }
  if (found.name !== person) {
    tell(found.name ? 'other' : 'out', first);
    return state;
  }
  for (const field of document.querySelectorAll('input[name="csrf_token"]')) field.value = found.token;
  document.querySelector('meta[name="csrf-token"]').content = found.token;
  const was = state;
  state = '';
  document.documentElement.classList.remove('offline');
  if (was) {
    if (before) say([was === 'out' || was === 'other' ? words.in_again : words.back]);
    else hush();
    document.dispatchEvent(new CustomEvent('server:back'));
  }
  return '';
}

if (person) {
  for (const name of ['online', 'focus']) addEventListener(name, () => { if (state) check(); });
  addEventListener('offline', () => tell('away'));
  document.addEventListener('visibilitychange', () => { if (!document.hidden) check(); });

  // Parts of the page that ask by themselves hear of it first.
  let missed = null; // what could not be drawn anew
  const heard = (event) => { if (event.detail.requestConfig?.verb === 'post') missed = event.detail.elt; };
  for (const name of ['htmx:sendError', 'htmx:timeout']) {
    document.addEventListener(name, (event) => { heard(event); tell('away'); });
  }
  document.addEventListener('htmx:responseError', (event) => {
    heard(event);
    const { status } = event.detail.xhr;
    if (status === 401 || status === 400) check().then((wrong) => { if (!wrong) again(); });
    else if (status >= 500) tell('failing');
  });
  document.addEventListener('htmx:afterOnLoad', () => { if (state) check(); });
  const again = () => {
    const element = missed;
    missed = null;
    if (element?.isConnected) element.dispatchEvent(new Event(element.matches('button') ? 'click' : 'change', { bubbles: true }));
  };
  document.addEventListener('server:back', again);
}
