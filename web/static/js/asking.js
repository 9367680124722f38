// Asking the server from a page: what is an answer, what a refusal, and what only looks like an answer.

/** The server did not do what was asked. `status` is 0 when it could not be reached; `told` is its JSON. */
export class Refused extends Error {
  constructor(status, told = {}) {
    super(`${status} ${told.text ?? ''}`);
    this.status = status;
    this.told = told;
  }
}

/**
 * The server's answer to `address`; throws `Refused` for everything else. A sign-in page in the place of an answer
 * is none: a redirect is never followed.
 */
export async function ask(address, { wait = 20_000, headers = {}, ...options } = {}) {
  let answer;
  try {
    answer = await fetch(address, {
      redirect: 'manual',
      signal: AbortSignal.timeout(wait),
      headers: { 'X-Requested-With': 'fetch', ...headers },
      ...options,
    });
  } catch {
    throw new Refused(0);
  }
  if (answer.type === 'opaqueredirect') throw new Refused(401);
  if (!answer.ok && answer.status !== 304) throw new Refused(answer.status, await told(answer));
  return answer;
}

async function told(answer) {
  if (!answer.headers.get('Content-Type')?.startsWith('application/json')) return {};
  try {
    return await answer.json();
  } catch {
    return {};
  }
}
