// The properties panel's groups for what Gongdan reads from a diagram. Which properties an element has says the page.
import {
  CheckboxEntry, Group, SelectEntry, TextAreaEntry, TextFieldEntry,
  isCheckboxEntryEdited, isSelectEntryEdited, isTextAreaEntryEdited, isTextFieldEntryEdited,
} from '@bpmn-io/properties-panel';
import { createElement } from '@bpmn-io/properties-panel/preact';
import { useService } from 'bpmn-js-properties-panel';
import { getBusinessObject, is } from 'bpmn-js/lib/util/ModelUtil';
import { readDecision, readProperty, writeDecision, writeProperty } from './extensions.js';

const EDITED = new Map([
  [TextFieldEntry, isTextFieldEntryEdited],
  [TextAreaEntry, isTextAreaEntryEdited],
  [SelectEntry, isSelectEntryEdited],
  [CheckboxEntry, isCheckboxEntryEdited],
]);

/**
 * The component of a widget, made once for each widget: one that is made anew with every update of the panel counts as
 * another field, and the input would be replaced under the cursor of whoever types in it. Its key is the element, so
 * that what was typed for one element is never written to the next.
 */
const fieldOf = (widget) => ({ element, id, label, hint, read, write, choices, disabled, monospace, rows }) => {
  const services = { bpmnFactory: useService('bpmnFactory'), modeling: useService('modeling') };
  const translate = useService('translate');
  const debounce = useService('debounceInput');
  return createElement(widget, {
    key: element, element, id, debounce, disabled, monospace, rows,
    label: translate(label),
    description: hint ? translate(hint) : undefined,
    getValue: () => read(element),
    setValue: (value) => write(element, value, services),
    getOptions: choices && (() => [{ value: '', label: '—' }, ...choices(read(element))]),
  });
};

const FIELD = new Map([...EDITED.keys()].map((widget) => [widget, fieldOf(widget)]));

/** One entry: `read(element)`, `write(element, value, services)` and the widget that shows it. */
const entry = (id, label, widget, more) => ({
  id, label, isEdited: EDITED.get(widget), component: FIELD.get(widget), ...more,
});

const property = (name, label, widget = TextFieldEntry, more = {}) =>
  entry(`gongdan-${name}`, label, widget, {
    read: (element) => readProperty(element, name),
    write: (element, value, services) => writeProperty(element, name, value, services),
    ...more,
  });

/** Choices from a catalogue; a value that the catalogue does not know stays visible and chosen. */
const from = (catalogue) => (current) => {
  const known = catalogue.map(({ id, name }) => ({ value: id, label: name ? `${name} · ${id}` : id }));
  return current && !catalogue.some(({ id }) => id === current) ? [...known, { value: current, label: `${current} ?` }] : known;
};

const code = { monospace: true };
const timerOf = (element) => getBusinessObject(element).get('eventDefinitions')?.find((d) => d.$type === 'bpmn:TimerEventDefinition');

const expression = {
  read: (element) => getBusinessObject(element).get('conditionExpression')?.body ?? '',
  write: (element, body, { bpmnFactory, modeling }) => {
    const conditionExpression = body ? bpmnFactory.create('bpmn:FormalExpression', { body }) : undefined;
    if (conditionExpression) conditionExpression.$parent = getBusinessObject(element);
    modeling.updateProperties(element, { conditionExpression });
  },
};

const script = {
  read: (element) => getBusinessObject(element).get('script') ?? '',
  write: (element, value, { modeling }) => modeling.updateProperties(element, { script: value || undefined }),
};

const calledElement = {
  read: (element) => getBusinessObject(element).get('calledElement') ?? '',
  write: (element, value, { modeling }) => modeling.updateProperties(element, { calledElement: value || undefined }),
};

/** The SLA parameter of a `sla_due("ID", start)` timer; choosing another keeps the start expression. */
const parameter = {
  read: (element) => /^\s*sla_due\("([A-Z0-9_]+)"/.exec(timerOf(element)?.timeDate?.body ?? '')?.[1] ?? '',
  write: (element, value, { bpmnFactory, modeling }) => {
    const definition = timerOf(element);
    const start = /^\s*sla_due\("[A-Z0-9_]+"\s*(,[\s\S]*)?\)\s*$/.exec(definition.timeDate?.body ?? '')?.[1] ?? '';
    const timeDate = value ? bpmnFactory.create('bpmn:FormalExpression', { body: `sla_due("${value}"${start})` }) : undefined;
    if (timeDate) timeDate.$parent = definition;
    modeling.updateModdleProperties(element, definition, { timeDate, timeDuration: undefined, timeCycle: undefined });
  },
};

/** The rhythm by which the software opens cases: the parameter that the timer of a start names. */
const rhythm = {
  read: (element) => /^\s*param\("([A-Z0-9_]+)"\)\s*$/.exec(timerOf(element)?.timeCycle?.body ?? '')?.[1] ?? '',
  write: (element, value, { bpmnFactory, modeling }) => {
    const definition = timerOf(element);
    const timeCycle = value ? bpmnFactory.create('bpmn:FormalExpression', { body: `param("${value}")` }) : undefined;
    if (timeCycle) timeCycle.$parent = definition;
    modeling.updateModdleProperties(element, definition, { timeDate: undefined, timeDuration: undefined, timeCycle });
  },
};

/** When a standard loop stops: both in its own element, which the marker of the activity makes. */
const loopOf = (element) => {
  const loop = getBusinessObject(element).get('loopCharacteristics');
  return loop?.$type === 'bpmn:StandardLoopCharacteristics' ? loop : undefined;
};

const loopCondition = {
  read: (element) => loopOf(element)?.loopCondition?.body ?? '',
  write: (element, body, { bpmnFactory, modeling }) => {
    const loopCondition = body ? bpmnFactory.create('bpmn:FormalExpression', { body }) : undefined;
    if (loopCondition) loopCondition.$parent = loopOf(element);
    modeling.updateModdleProperties(element, loopOf(element), { loopCondition });
  },
};

const loopMaximum = {
  read: (element) => String(loopOf(element)?.loopMaximum ?? ''),
  write: (element, value, { modeling }) =>
    modeling.updateModdleProperties(element, loopOf(element), { loopMaximum: value || undefined }),
};

function loopEntries(element) {
  if (!is(element, 'bpmn:Activity') || !loopOf(element)) return [];
  return [
    entry('gongdan-loop-condition', 'Again while', TextFieldEntry, { ...loopCondition, ...code, hint: 'Names, comparisons, and / or / not / in' }),
    entry('gongdan-loop-maximum', 'At most so many rounds', TextFieldEntry, { ...loopMaximum, ...code, hint: 'A whole number, such as 3' }),
  ];
}

/** Name of the lane that holds the element: who does the work. */
function laneName(element) {
  const object = getBusinessObject(element);
  const lanes = (sets) => (sets ?? []).flatMap((set) => set.get('lanes') ?? []).flatMap((lane) => [lane, ...lanes(lane.childLaneSet ? [lane.childLaneSet] : [])]);
  let scope = object.$parent;
  while (scope && scope.$type !== 'bpmn:Process') scope = scope.$parent;
  return lanes(scope?.laneSets).filter((lane) => lane.get('flowNodeRef').includes(object)).at(-1)?.name ?? '';
}

/** The name by which the engine's table of kinds knows the element: a pool stands for its process. */
function kindOf(element) {
  if (is(element, 'bpmn:Participant')) return getBusinessObject(element).get('processRef') ? 'process' : '';
  const name = getBusinessObject(element).$type.replace(/^bpmn:/, '');
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** The entry of a property as the engine describes it. */
function asked({ name, label, hint, choices, expression: evaluated, flag }, catalogue) {
  if (flag) {
    return property(name, label, CheckboxEntry, {
      hint,
      read: (e) => readProperty(e, name) === 'true',
      write: (e, value, services) => writeProperty(e, name, value ? 'true' : '', services),
    });
  }
  if (choices) return property(name, label, SelectEntry, { hint, choices: from(catalogue[choices] ?? []) });
  return property(name, label, TextFieldEntry, { hint, ...(evaluated ? code : {}) });
}

/** What is not a property: who does it, and what BPMN itself has a place for. */
function drawnEntries(element, catalogue) {
  if (is(element, 'bpmn:UserTask')) {
    return [
      entry('gongdan-lane', 'Done by (lane)', TextFieldEntry, {
        read: laneName, write: () => {}, disabled: true, hint: 'Move the step into another lane to change who does it',
      }),
    ];
  }
  if (is(element, 'bpmn:ScriptTask')) return [entry('gongdan-script', 'Script', TextAreaEntry, { ...script, ...code, rows: 8 })];
  if (is(element, 'bpmn:BusinessRuleTask')) {
    return [entry('gongdan-decision', 'Decision table', SelectEntry, {
      read: readDecision, write: writeDecision, choices: from(catalogue.decisions),
    })];
  }
  if (is(element, 'bpmn:CallActivity')) {
    return [entry('gongdan-called', 'Called process', SelectEntry, { ...calledElement, choices: from(catalogue.processes) })];
  }
  if (is(element, 'bpmn:SequenceFlow')) {
    return [entry('gongdan-condition', 'Condition', TextAreaEntry, {
      ...expression, ...code, rows: 3, hint: 'Names, comparisons, and / or / not / in',
    })];
  }
  if (is(element, 'bpmn:StartEvent') && timerOf(element)) {
    return [entry('gongdan-rhythm', 'The software opens cases', SelectEntry, {
      ...rhythm, choices: from(catalogue.parameters), hint: 'A weekly or monthly parameter of the table of limits',
    })];
  }
  if (timerOf(element)) {
    return [entry('gongdan-parameter', 'SLA parameter', SelectEntry, {
      ...parameter, choices: from(catalogue.parameters), hint: 'The limit comes from the table of limits',
    })];
  }
  return [];
}

function entriesFor(element, catalogue) {
  const properties = (catalogue.elements[kindOf(element)] ?? []).map((one) => asked(one, catalogue));
  return [...drawnEntries(element, catalogue), ...properties];
}

class GongdanProvider {
  constructor(propertiesPanel, translate, config) {
    this.translate = translate;
    this.catalogue = { forms: [], decisions: [], processes: [], parameters: [], elements: {}, ...config };
    propertiesPanel.registerProvider(500, this);
  }

  getGroups(element) {
    return (groups) => {
      const [general, ...others] = groups;
      const label = is(element, 'bpmn:Label') || element.labelTarget;
      const group = (id, name, entries) => (entries.length && !label
        ? { id, label: this.translate(name), component: Group, shouldOpen: true, entries } : null);
      const ours = group('gongdan', 'How it works', entriesFor(element, this.catalogue));
      return [general, ours, group('gongdan-loop', 'Loop', loopEntries(element)), ...others].filter(Boolean);
    };
  }
}
GongdanProvider.$inject = ['propertiesPanel', 'translate', 'config.gongdan'];

export default { __init__: ['gongdanProvider'], gongdanProvider: ['type', GongdanProvider] };
