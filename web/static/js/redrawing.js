// Parts of a page that are drawn anew leave the person where they were: focus, caret, and every letter typed while
// the new part was on its way.

const sent = new WeakMap(); // request → what stood in the controls when it left
const states = (root) => new Map([...root.querySelectorAll('input[id], textarea[id], select[id]')]
  .filter((control) => control.type !== 'file' && control.type !== 'hidden')
  .map((control) => [control.id, control.type === 'radio' || control.type === 'checkbox' ? control.checked : control.value]));

document.addEventListener('htmx:beforeSend', (event) => {
  const { target, elt, xhr } = event.detail;
  // Removing a row renumbers those after it: their controls are others then.
  if (target && !elt.matches('.remove')) sent.set(xhr, states(target));
});

document.addEventListener('htmx:beforeSwap', (event) => {
  const { target, xhr } = event.detail;
  const focused = target.contains(document.activeElement) ? document.activeElement : null;
  const { id } = focused ?? {};
  const caret = caretOf(focused);
  const before = sent.get(xhr) ?? new Map();
  const typed = [...states(target)].filter(([name, value]) => before.has(name) && before.get(name) !== value);
  if (!id && !typed.length) return;
  document.addEventListener('htmx:afterSettle', () => {
    for (const [name, value] of typed) {
      const control = document.getElementById(name);
      if (!control) continue;
      if (typeof value === 'boolean') control.checked = value;
      else control.value = value;
    }
    const control = id && document.getElementById(id);
    if (!control) return;
    control.focus();
    if (caret) control.setSelectionRange(...caret);
  }, { once: true });
});

function caretOf(control) {
  try {
    return control?.selectionStart == null ? null : [control.selectionStart, control.selectionEnd];
  } catch {
    return null; // a control without a caret
  }
}
