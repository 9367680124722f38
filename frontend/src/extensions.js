// Reading and writing the engine's extension elements through undoable modeling commands.
import { getBusinessObject } from 'bpmn-js/lib/util/ModelUtil';

export const PROPERTIES = 'spiffworkflow:Properties';
export const DECISION = 'spiffworkflow:CalledDecisionId';

/** The object that owns the engine's properties: a pool stands for its process. */
export function carrier(element) {
  const object = getBusinessObject(element);
  return object.$type === 'bpmn:Participant' ? object.get('processRef') : object;
}

function find(owner, type) {
  return owner.get('extensionElements')?.get('values').find((value) => value.$type === type);
}

/** Value of property `name`, or the empty string. */
export function readProperty(element, name) {
  const owner = carrier(element);
  const properties = owner && find(owner, PROPERTIES);
  return properties?.get('values').find((property) => property.name === name)?.value ?? '';
}

/** Id of the decision table that a business rule task calls. */
export function readDecision(element) {
  return find(carrier(element), DECISION)?.text ?? '';
}

function replace(element, type, successor, { bpmnFactory, modeling }) {
  const owner = carrier(element);
  let holder = owner.get('extensionElements');
  if (!holder) {
    holder = bpmnFactory.create('bpmn:ExtensionElements', { values: [] });
    holder.$parent = owner;
    modeling.updateModdleProperties(element, owner, { extensionElements: holder });
  }
  if (successor) successor.$parent = holder;
  const others = holder.get('values').filter((value) => value.$type !== type);
  modeling.updateModdleProperties(element, holder, { values: successor ? [...others, successor] : others });
}

/** Set property `name`; an empty value removes it, and the last removal removes the container. */
export function writeProperty(element, name, value, services) {
  const { bpmnFactory } = services;
  const current = find(carrier(element), PROPERTIES)?.get('values') ?? [];
  const pairs = current.map((property) => [property.name, property.value]);
  const at = pairs.findIndex(([key]) => key === name);
  if (at >= 0) pairs.splice(at, 1, ...(value ? [[name, value]] : []));
  else if (value) pairs.push([name, value]);
  let successor = null;
  if (pairs.length) {
    const values = pairs.map(([key, text]) => bpmnFactory.create('spiffworkflow:Property', { name: key, value: text }));
    successor = bpmnFactory.create(PROPERTIES, { values });
    for (const property of values) property.$parent = successor;
  }
  replace(element, PROPERTIES, successor, services);
}

/** Set the called decision; an empty id removes it. */
export function writeDecision(element, id, services) {
  replace(element, DECISION, id ? services.bpmnFactory.create(DECISION, { text: id }) : null, services);
}
