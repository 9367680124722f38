// The modeler page: import, lint while drawing, keep drafts.
import { createModeler } from '../vendor/designer.js';

const room = document.querySelector('[data-designer]');
const { source, save, lint, path, base, token, process } = room.dataset;
const words = JSON.parse(document.getElementById('designer-words').textContent);
const catalogue = JSON.parse(document.getElementById('designer-catalogue').textContent);
const said = document.getElementById('said');
const list = document.getElementById('findings');

const modeler = createModeler({
  container: document.getElementById('canvas'), panel: document.getElementById('panel'),
  locale: document.documentElement.lang, catalogue,
});
const registry = modeler.get('elementRegistry');
const overlays = modeler.get('overlays');

const body = async () => (await modeler.saveXML({ format: true })).xml;

async function post(address, more = {}) {
  const answer = await fetch(address, {
    method: 'POST', headers: { Accept: 'application/json', 'X-CSRFToken': token },
    body: new URLSearchParams({ path, base, body: await body(), ...more }),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
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
function changed() {
  said.textContent = words.unsaved;
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    try { show(await post(lint)); } catch { said.textContent = words.failed; }
  }, 600);
}

async function keep() {
  clearTimeout(waiting);
  try {
    show(await post(save));
    said.textContent = words.saved;
  } catch {
    said.textContent = words.failed;
  }
}

await modeler.importXML(await (await fetch(source)).text());
const canvas = modeler.get('canvas');
canvas.zoom('fit-viewport', 'auto');
if (canvas.zoom() < 0.7) {
  // Too small to read: begin at the start event, beside the palette.
  canvas.zoom(0.8);
  const start = registry.filter((element) => element.type === 'bpmn:StartEvent')[0];
  if (start) canvas.scrollToElement(start, { top: 80, bottom: 80, left: 240, right: 80 });
}
show(JSON.parse(document.getElementById('designer-findings').textContent));
modeler.on('commandStack.changed', changed);
document.getElementById('keep').addEventListener('click', keep);
document.addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === 's') {
    event.preventDefault();
    keep();
  }
});
addEventListener('beforeunload', (event) => {
  if (said.textContent === words.unsaved) event.preventDefault();
});
room.dataset.ready = 'yes';
