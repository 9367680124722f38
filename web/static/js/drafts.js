// Drafts of forms: each letter is kept in this browser at once and with the server soon after. What the server does
// not get for whatever reason is told, tried again by itself, and found again when the form is opened next.
import { ask } from './asking.js';
import { addresses, drop, get, person, put } from './stash.js';
import { check, clock, hush, promise, say, tell, words } from './trouble.js';

const PAUSE = 1200; // milliseconds after the last letter
const PATIENCE = 6000; // of somebody who types without a pause
const AGAIN = 10_000; // after a failure of the server's own
const OURS = new Set(['csrf_token', 'submit_key', '_by', '_base', '_shown', '_bad']); // what the page itself put into a form
const LEAVING = 60_000; // characters; browsers send no more when a page is left

// Windows of one browser tell each other what they saved, so that none goes on showing what was before.
const windows = globalThis.BroadcastChannel ? new BroadcastChannel('gongdan drafts') : null;
const fresh = () => performance.getEntriesByType('navigation')[0]?.type === 'reload';

class Draft {
  constructor(form) {
    this.form = form;
    this.address = form.dataset.draft;
    this.version = form.dataset.version;
    this.said = form.querySelector('[data-draft-said]');
    this.saved = this.text(); // what the server has: as a draft, or as the empty form
    this.stashed = true;
    this.waiting = 0;
    this.since = 0;
    this.busy = null;
    this.over = false; // sent or given up: nothing is to be kept any more
    this.own = false; // whether this window saved the version
    form.addEventListener('input', () => this.typed());
    windows?.addEventListener('message', ({ data }) => this.hear(data));
    if (!fresh()) windows?.postMessage({ person, address: this.address, asks: true });
    form.addEventListener('sent', () => { this.over = true; clearTimeout(this.waiting); });
    document.addEventListener('server:back', () => { if (this.unsaved) this.save(); });
    addEventListener('pageshow', (event) => { if (event.persisted) this.over = false; });
    addEventListener('pagehide', () => { if (this.unsaved) this.send(this.text(), { keepalive: this.text().length < LEAVING }).catch(() => {}); });
    addEventListener('beforeunload', (event) => { if (this.unsaved && !this.stashed) event.preventDefault(); });
  }

  /** What stands in the form, without what the page itself put there. Files are not kept. */
  text() {
    const found = new URLSearchParams();
    for (const [name, value] of new FormData(this.form)) {
      if (!(value instanceof File) && !OURS.has(name)) found.append(name, value);
    }
    return found.toString();
  }

  get unsaved() {
    return !this.over && this.text() !== this.saved;
  }

  typed() {
    if (this.over) return;
    const text = this.text();
    this.keepHere(text);
    if (this.said) this.said.textContent = '';
    this.since ||= Date.now();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.save(), Math.max(0, Math.min(PAUSE, this.since + PATIENCE - Date.now())));
  }

  async keepHere(text) {
    this.stashed = await put(this.address, { text, version: this.version, at: Date.now() });
  }

  hear({ person: whose, address, version, asks }) {
    if (whose !== person || address !== this.address || this.over) return;
    if (asks && this.own) windows.postMessage({ person, address, version: this.version });
    const untouched = !this.unsaved && !this.busy && !this.form.hasAttribute('data-answered');
    if (!asks && version !== this.version && untouched) location.reload();
  }

  send(text, options = {}) {
    const body = new URLSearchParams(text);
    body.set('csrf_token', this.form.elements.csrf_token.value);
    body.set('_by', person);
    body.set('_base', this.version);
    return ask(this.address, { method: 'POST', body, headers: { Accept: 'application/json' }, ...options });
  }

  /** Bring what stands in the form to the server; resolves to whether it is there. */
  async save() {
    clearTimeout(this.waiting);
    if (this.busy) {
      await this.busy;
      return this.unsaved ? this.save() : true;
    }
    if (!this.unsaved) return true;
    this.form.saving = this.busy = this.try(this.text());
    const done = await this.busy;
    this.busy = null;
    if (done && this.unsaved) this.typed();
    return done;
  }

  async try(text, again = false) {
    this.since = 0;
    try {
      const answer = await this.send(text);
      this.taken(text, answer.headers.get('Draft-Version'), answer.headers.get('Draft-At'));
      return true;
    } catch (refused) {
      return this.refused(refused, text, again);
    }
  }

  taken(text, version, at) {
    this.version = version ?? this.version;
    this.form.elements._base.value = this.version;
    this.saved = text;
    this.own = true;
    windows?.postMessage({ person, address: this.address, version: this.version });
    if (this.text() === text) drop(this.address);
    if (this.said) this.said.textContent = words.kept.replace('{at}', clock(at ?? Date.now()));
    if (this.told) hush();
    this.told = false;
  }

  async refused({ status, told }, text, again = true) {
    if (this.said) this.said.textContent = words.unsaved;
    if (status === 0) {
      tell('away');
      return false;
    }
    if (status === 401 || status === 400) {
      if (await check()) return false; // it tells, and looks again
      // Signed in after all: the page was older than the sign-in and has its token now.
      if (!again) return this.try(text, true);
    }
    this.told = true;
    if (told.newer) {
      this.choose(told.text);
    } else if (status === 429 || status >= 500) {
      say([told.title, told.text || words.failing, this.stashed ? words.here : words.page_only], [[words.again, () => this.save()]]);
      this.waiting = setTimeout(() => this.save(), AGAIN);
    } else if (told.kept) {
      this.saved = text;
      drop(this.address);
      say([told.text], [[words.look, this.form.dataset.page]]);
    } else {
      say([told.title, told.text, words.not_draft, this.stashed ? '' : words.page_only], [[words.again, () => this.save()]]);
    }
    return false;
  }

  /** Two windows: which of the two texts shall stay? */
  choose(said) {
    say([said], [
      [words.use_mine, () => { this.version = '*'; this.save(); }],
      [words.use_other, () => { this.over = true; drop(this.address); location.replace(this.form.dataset.page); }],
    ]);
  }

  /** Text of an earlier visit that the server did not get: it goes there first, and the page is drawn from it. */
  async restore() {
    const kept = await get(this.address);
    if (!kept) return;
    if (kept.text === this.saved || this.form.hasAttribute('data-answered')) {
      drop(this.address);
      return;
    }
    this.form.inert = true;
    const version = this.version;
    this.version = kept.version;
    try {
      await this.send(kept.text);
      this.leaveFor(kept);
    } catch (refused) {
      this.form.inert = false;
      const { told } = refused;
      if (told.kept) {
        this.leaveFor(kept);
      } else if (told.newer) {
        say([words.restoring.replace('{at}', clock(kept.at)), told.text], [
          [words.use_mine, async () => { this.version = '*'; await this.send(kept.text); this.leaveFor(kept); }],
          [words.use_other, () => { drop(this.address); this.version = version; hush(); }],
        ]);
      } else {
        this.version = version;
        await this.refused(refused, this.saved);
        document.addEventListener('server:back', () => this.restore(), { once: true });
      }
    }
  }

  leaveFor() {
    this.over = true;
    drop(this.address);
    location.replace(this.form.dataset.page);
  }
}

/** Text for a task that cannot be written on any more: the server keeps it as what was typed and not recorded. */
async function leave(place) {
  const address = place.dataset.draftLeft;
  const kept = await get(address);
  if (!kept) return;
  if (await deliver(address, kept)) location.replace(place.dataset.page);
}

/** Bring text of another page to the server; whether it is there. */
async function deliver(address, kept) {
  const body = new URLSearchParams(kept.text);
  body.set('csrf_token', document.querySelector('meta[name="csrf-token"]').content);
  body.set('_by', person);
  body.set('_base', kept.version);
  try {
    await ask(address, { method: 'POST', body, headers: { Accept: 'application/json' } });
  } catch (refused) {
    if (!refused.told.kept) return false;
  }
  drop(address);
  return true;
}

const drafts = [];
if (person) {
  for (const done of document.querySelectorAll('meta[name="typed-done"]')) drop(done.content);
  for (const form of document.querySelectorAll('form[data-draft]')) drafts.push(new Draft(form));
  promise(() => drafts.some((draft) => draft.unsaved), () => drafts.every((draft) => draft.stashed));
  for (const draft of drafts) draft.restore().then(() => { if (draft.form.hasAttribute('data-answered')) { draft.saved = ''; draft.typed(); } });
  for (const place of document.querySelectorAll('[data-draft-left]')) leave(place);
  for (const form of document.querySelectorAll('form[data-forgets]')) {
    form.addEventListener('sent', () => { for (const draft of drafts) draft.over = true; });
  }
}

// Who signs out for good leaves nothing typed behind: it goes to the server first, or they decide.
let leaving = false; // all is saved, or given up: the form may go
document.addEventListener('input', () => { leaving = false; });
document.addEventListener('submit', async (event) => {
  const form = event.target;
  if (!person || leaving || !form.hasAttribute('data-sign-out')) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  await new Promise((done) => { setTimeout(done); }); // a form cannot be sent anew while it is being sent
  let all = true;
  for (const draft of drafts) all = (await draft.save()) && all;
  for (const address of addresses()) {
    const kept = await get(address);
    if (kept) all = (await deliver(address, kept)) && all;
  }
  if (!all && !confirm(words.sign_out)) return;
  form.addEventListener('sent', () => {
    for (const draft of drafts) draft.over = true;
    for (const address of addresses()) drop(address);
  });
  leaving = true;
  form.requestSubmit();
}, true);
