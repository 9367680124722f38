// The modeler page: import, lint while drawing, keep drafts. Nothing is overwritten unseen, and what fails says so.
import { createModeler } from '../vendor/designer.js';

const room = document.querySelector('[data-designer]');
const { source, save, lint, path, base, drawn } = room.dataset;
const words = JSON.parse(document.getElementById('designer-words').textContent);
const catalogue = JSON.parse(document.getElementById('designer-catalogue').textContent);
const said = document.getElementById('said');
const list = document.getElementById('findings');
const note = document.getElementById('note');

const modeler = createModeler({
  container: document.getElementById('canvas'), panel: document.getElementById('panel'),
  locale: document.documentElement.lang, catalogue,
});
const registry = modeler.get('elementRegistry');
const overlays = modeler.get('overlays');

const body = async () => (await modeler.saveXML({ format: true })).xml;

let seen = room.dataset.seen;  // the draft that this window knows; another one is never overwritten unasked

/** What the server said no to; `conflict` names the draft that is there instead. */
class Refused extends Error {
  constructor(words, conflict) {
    super(words);
    this.conflict = conflict;
  }
}

/** The token of the sign-in in force: signing in anew in another window makes another one. */
const token = () => document.querySelector('meta[name="csrf-token"]').content;

async function post(address) {
  const answer = await fetch(address, {
    method: 'POST', headers: { Accept: 'application/json', 'X-CSRFToken': token() },
    body: new URLSearchParams({ path, base, seen, body: await body() }),
  });
  if (answer.redirected || answer.status === 401) throw new Refused(words.signed_out);
  const told = answer.headers.get('Content-Type')?.startsWith('application/json') ? await answer.json() : {};
  if (!answer.ok) throw new Refused(told.message ?? told.text ?? words.refused.replace('{status}', answer.status), told.seen && told);
  return told;
}

/** Say above the canvas what people must know, with `more` below it: texts as a list, buttons as they are. */
function tell(kind, text, more = []) {
  const lead = document.createElement('p');
  lead.textContent = text;
  const lines = document.createElement('ul');
  for (const item of more.filter((one) => typeof one === 'string')) {
    const line = document.createElement('li');
    line.textContent = item;
    lines.append(line);
  }
  const buttons = document.createElement('p');
  buttons.className = 'actions';
  buttons.append(...more.filter((one) => typeof one !== 'string'));
  note.className = `note ${kind}`;
  note.replaceChildren(lead, ...[lines, buttons].filter((part) => part.childElementCount));
  note.hidden = false;
}

function button(text, act) {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = text;
  made.addEventListener('click', act);
  return made;
}

function select(id) {
  const element = registry.get(id);
  if (!element) return;
  modeler.get('selection').select(element);
  modeler.get('canvas').scrollToElement(element, { top: 120, bottom: 120, left: 120, right: 120 });
}

function show(findings) {
  overlays.remove({ type: 'finding' });
  list.replaceChildren(...findings.map((finding) => {
    const line = document.createElement('li');
    line.className = finding.severity === 'error' ? 'bad' : 'warn';
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'link';
    button.textContent = finding.element ?? path;
    button.addEventListener('click', () => select(finding.element));
    const message = document.createElement('span');
    message.textContent = finding.message;
    const fix = document.createElement('span');
    fix.className = 'muted small';
    fix.textContent = `${finding.fix} (${finding.rule})`;
    line.append(button, message, fix);
    return line;
  }));
  if (!findings.length) {
    const line = document.createElement('li');
    line.className = 'ok';
    line.textContent = words.clean;
    list.append(line);
  }
  const counted = new Map();
  for (const finding of findings) if (registry.get(finding.element)) counted.set(finding.element, [...(counted.get(finding.element) ?? []), finding]);
  for (const [id, own] of counted) {
    const node = document.createElement('div');
    node.className = `overlay finding ${own.some((f) => f.severity === 'error') ? '' : 'warning'}`;
    node.textContent = String(own.length);
    node.title = own.map((f) => f.message).join('\n');
    overlays.add(id, 'finding', { position: { top: -10, left: -8 }, html: node });
  }
  room.dataset.findings = String(findings.length);
}

let waiting = 0;
let asked = 0;     // a slower answer to an older question is not shown
let revision = 0;  // counts changes; what is kept is as of one of them
let kept = 0;

function unsaved() {
  revision += 1;
  said.textContent = words.unsaved;
}

function failed(error) {
  said.textContent = error instanceof Refused ? error.message : words.failed;
}

function changed() {
  unsaved();
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    const number = asked += 1;
    try {
      const found = await post(lint);
      if (number === asked) show(found);
    } catch (error) {
      if (number === asked) failed(error);
    }
  }, 600);
}

async function store() {
  clearTimeout(waiting);
  const number = asked += 1;
  const current = revision;
  try {
    const answer = await post(save);
    seen = answer.seen;
    kept = current;
    if (number === asked) show(answer.findings);
    if (revision === current) said.textContent = words.saved;
  } catch (error) {
    failed(error);
    if (error.conflict) ask(error.conflict);
  }
}

let storing = Promise.resolve();
const keep = () => (storing = storing.then(store));

/** Another window kept a draft of this file meanwhile: whoever draws chooses which of the two stays. */
function ask(other) {
  const look = document.createElement('a');
  Object.assign(look, { className: 'btn', href: location.href, target: '_blank', textContent: words.look });
  tell('warn', words.both, [
    look,
    button(words.mine, () => {
      seen = other.seen;
      note.hidden = true;
      keep();
    }),
    button(words.theirs, () => {
      kept = revision;
      location.reload();
    }),
  ]);
}

/** Show the file; false, with the reason and a way on, when there is nothing to draw on. */
async function open() {
  let xml;
  try {
    const answer = await fetch(source);
    if (!answer.ok || answer.redirected) throw new Error(`HTTP ${answer.status}`);
    xml = await answer.text();
    const { warnings } = await modeler.importXML(xml);
    if (warnings.length) tell('warn', words.left_out, warnings.map((one) => one.message));
  } catch (error) {
    const way = document.createElement('a');
    Object.assign(way, { className: 'btn', href: room.dataset.text, textContent: words.as_text });
    tell('bad', words.cannot, [...(room.dataset.why ? [room.dataset.why] : []), error.message, way]);
    return false;
  }
  return true;
}

show(JSON.parse(document.getElementById('designer-findings').textContent));
if (await open()) {
  const canvas = modeler.get('canvas');
  canvas.zoom('fit-viewport', 'auto');
  if (canvas.zoom() < 0.7) {
    // Too small to read: begin at the start event, beside the palette.
    canvas.zoom(0.8);
    const start = registry.filter((element) => element.type === 'bpmn:StartEvent')[0];
    if (start) canvas.scrollToElement(start, { top: 80, bottom: 80, left: 240, right: 80 });
  }
  show(JSON.parse(document.getElementById('designer-findings').textContent));
  if (drawn) said.textContent = words.unsaved;
  modeler.on('commandStack.changed', changed);
  // Typed, but not yet written by the panel, is not kept either.
  document.getElementById('panel').addEventListener('input', unsaved);
  const press = document.getElementById('keep');
  press.disabled = false;
  press.addEventListener('click', keep);
  document.addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === 's') {
      event.preventDefault();
      keep();
    }
  });
}
addEventListener('beforeunload', (event) => {
  if (revision !== kept) event.preventDefault();
});
room.dataset.ready = 'yes';
