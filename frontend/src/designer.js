// The designer's bundle: modeler, properties panel, minimap and token simulation.
import Modeler from 'bpmn-js/lib/Modeler';
import { BpmnPropertiesPanelModule, BpmnPropertiesProviderModule } from 'bpmn-js-properties-panel';
import minimap from 'diagram-js-minimap';
import tokenSimulation from 'bpmn-js-token-simulation';
import properties from './properties.js';
import spiffworkflow from './spiffworkflow.json';
import hans from './zh.js';
import hant from 'gongdan:zh-hant';

const WORDS = { 'zh-Hans': hans, 'zh-Hant-HK': hant };

function translator(locale) {
  const words = WORDS[locale] ?? {};
  return (template, replacements = {}) =>
    (words[template] ?? template).replace(/{([^}]+)}/g, (whole, key) => replacements[key] ?? whole);
}

/**
 * A modeler in `container` with its panel in `panel`.
 * `catalogue` lists what entries offer (forms, decisions, processes, parameters … as `{id, name}`) and, as `elements`,
 * the properties of each kind of element.
 */
export function createModeler({ container, panel, locale, catalogue }) {
  return new Modeler({
    container,
    propertiesPanel: { parent: panel },
    moddleExtensions: { spiffworkflow },
    gongdan: catalogue,
    bpmnRenderer: {
      defaultFillColor: 'var(--dg-fill)', defaultStrokeColor: 'var(--dg-stroke)', defaultLabelColor: 'var(--dg-label)',
    },
    additionalModules: [
      BpmnPropertiesPanelModule, BpmnPropertiesProviderModule, properties, minimap, tokenSimulation,
      { translate: ['value', translator(locale)] },
    ],
  });
}
