// The read-only bundle: case pages, the process viewer and the audit room.
import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';
import spiffworkflow from './spiffworkflow.json';

/** A viewer in `container`, in the colours of the page, that also reads the engine's own extension elements. */
export function createViewer(container) {
  return new NavigatedViewer({
    container,
    moddleExtensions: { spiffworkflow },
    bpmnRenderer: {
      defaultFillColor: 'var(--dg-fill)', defaultStrokeColor: 'var(--dg-stroke)', defaultLabelColor: 'var(--dg-label)',
    },
  });
}
