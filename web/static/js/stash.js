// What is typed waits in this browser until the server has it, sealed for the person who typed it.
//
// Desks are shared: the key comes with the pages of that person alone and is never stored, so that whoever sits here
// next has only sealed bytes. Where the browser has no sealing (plain http), texts stay with the tab instead and go
// when somebody else signs in there.

const meta = document.querySelector('meta[name="person"]');
export const person = meta?.content ?? '';

const sealing = Boolean(globalThis.crypto?.subtle);
const ALL = 'gongdan typed ';
const mine = `${ALL}${person} `;
const LONGEST = 7 * 24 * 3600 * 1000; // milliseconds; then nobody is coming back for it
const turns = new Map(); // address → number of the last write or removal, so that a slow older one changes nothing

const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const imported = (hex) => crypto.subtle.importKey('raw', bytes(hex), 'AES-GCM', false, ['encrypt', 'decrypt']);
const keys = sealing && meta ? meta.dataset.keys.split(' ').map(imported) : []; // the one in force, and those of before
const coded = (raw) => btoa(Array.from(new Uint8Array(raw), (byte) => String.fromCharCode(byte)).join(''));
const decoded = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

function place() {
  try {
    return sealing ? localStorage : sessionStorage;
  } catch {
    return null; // the browser keeps nothing for this site
  }
}

async function sealed(text) {
  if (!sealing) return text;
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const body = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, await keys[0], new TextEncoder().encode(text));
  return `${coded(iv)}.${coded(body)}`;
}

async function unsealed(text) {
  if (!sealing) return text;
  const [iv, body] = text.split('.').map(decoded);
  const opened = keys.map(async (key) => crypto.subtle.decrypt({ name: 'AES-GCM', iv }, await key, body));
  return new TextDecoder().decode(await Promise.any(opened));
}

const turn = (address) => turns.set(address, (turns.get(address) ?? 0) + 1).get(address);

/** Keep `kept` (plain data) for `address`; whether this browser could. */
export async function put(address, kept) {
  const now = turn(address);
  try {
    const text = await sealed(JSON.stringify(kept));
    if (turns.get(address) === now) place().setItem(mine + address, `${Date.now()} ${text}`);
    return true;
  } catch {
    return false; // full, or switched off
  }
}

/** What this person typed for `address` and the server does not have; null for nothing. */
export async function get(address) {
  try {
    const found = place().getItem(mine + address);
    return found && JSON.parse(await unsealed(found.slice(found.indexOf(' ') + 1)));
  } catch {
    return null; // sealed with a key that is no more
  }
}

/** The server has it, or it is not wanted. */
export function drop(address) {
  turn(address);
  place()?.removeItem(mine + address);
}

/** Addresses for which this person has text here. */
export function addresses() {
  return Object.keys(place() ?? {}).filter((name) => name.startsWith(mine)).map((name) => name.slice(mine.length));
}

function tidy() {
  const there = place();
  for (const name of Object.keys(there ?? {})) {
    if (!name.startsWith(ALL)) continue;
    const age = Date.now() - Number.parseInt(there.getItem(name), 10);
    if (age > LONGEST || (!sealing && person && !name.startsWith(mine))) there.removeItem(name);
  }
}
tidy();
