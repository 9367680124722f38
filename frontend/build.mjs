// Builds web/static/vendor: `npm ci && node build.mjs`. The result is committed, so running Gongdan needs no Node.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.join(here, '..', 'web', 'static', 'vendor');
const modules = path.join(here, 'node_modules');
const require = createRequire(import.meta.url);

// A style attribute in markup is what a strict Content-Security-Policy refuses; app.css gives the same height.
const INLINE_STYLE = '<div style="height: 100%" tabindex';

// The simulation's switch says its name in English only; app.css names it in the language of the page.
const SWITCH = 'Token Simulation <span';

// The simulation paints every element black on white, in the dark too; the drawing keeps the colours of the page.
const NEUTRAL = "stroke: '#212121',\n      fill: '#fff'";

const patches = {
  name: 'patches',
  setup({ onLoad }) {
    onLoad({ filter: /bpmn-js-properties-panel[\\/]dist[\\/]index\.esm\.js$/ }, async ({ path: file }) => {
      const text = await readFile(file, 'utf8');
      if (!text.includes(INLINE_STYLE)) throw new Error(`${file}: the inline style to remove is gone; check the CSP again`);
      return { contents: text.replaceAll(INLINE_STYLE, '<div tabindex'), loader: 'js' };
    });
    onLoad({ filter: /toggle-mode[\\/]modeler[\\/]ToggleMode\.js$/ }, async ({ path: file }) => {
      const text = await readFile(file, 'utf8');
      if (!text.includes(SWITCH)) throw new Error(`${file}: the words to replace are gone`);
      return { contents: text.replaceAll(SWITCH, '<span class="bts-name"></span> <span'), loader: 'js' };
    });
    onLoad({ filter: /neutral-element-colors[\\/]NeutralElementColors\.js$/ }, async ({ path: file }) => {
      const text = await readFile(file, 'utf8');
      if (!text.includes(NEUTRAL)) throw new Error(`${file}: the colours to replace are gone`);
      return { contents: text.replaceAll(NEUTRAL, "stroke: 'var(--dg-stroke)', fill: 'var(--dg-fill)'"), loader: 'js' };
    });
  },
};

// Traditional Chinese is converted from the simplified words (OpenCC, Hong Kong), once, here.
const traditional = {
  name: 'traditional-chinese',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^gongdan:zh-hant$/ }, () => ({ path: 'zh-hant', namespace: 'gongdan' }));
    onLoad({ filter: /.*/, namespace: 'gongdan' }, async () => {
      const bundle = await build({
        entryPoints: [path.join(here, 'src', 'zh.js')], bundle: true, write: false, format: 'esm', platform: 'node',
      });
      const { default: words } = await import(`data:text/javascript;base64,${Buffer.from(bundle.outputFiles[0].contents).toString('base64')}`);
      const convert = require('opencc-js').Converter({ from: 'cn', to: 'hk' });
      const converted = Object.fromEntries(Object.entries(words).map(([key, value]) => [key, convert(value)]));
      return { contents: JSON.stringify(converted), loader: 'json' };
    });
  },
};

const used = new Set();
const remember = (metafile) => {
  for (const input of Object.keys(metafile.inputs)) {
    const match = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match) used.add(match[1]);
  }
};

async function bundle(entry, more = {}) {
  const result = await build({
    absWorkingDir: here, entryPoints: [entry], outdir: out, bundle: true, format: 'esm', target: 'es2022',
    minify: true, legalComments: 'none', charset: 'utf8', metafile: true, plugins: [patches, traditional],
    loader: { '.woff2': 'file', '.woff': 'file', '.ttf': 'file', '.eot': 'file', '.svg': 'file' }, assetNames: '[name]', ...more,
  });
  remember(result.metafile);
}

/** Every file below `folder`, relative, sorted. */
async function listing(folder, prefix = '') {
  const entries = await readdir(path.join(folder, prefix), { withFileTypes: true });
  const nested = await Promise.all(entries.map((entry) => {
    const relative = path.posix.join(prefix, entry.name);
    return entry.isDirectory() ? listing(folder, relative) : [relative];
  }));
  return nested.flat().sort();
}

async function licences() {
  const names = [...used, 'htmx.org'].sort();
  await mkdir(path.join(out, 'licenses'), { recursive: true });
  const packages = {};
  for (const name of names) {
    const folder = path.join(modules, name);
    const { version, license } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const kept = file ? `licenses/${name.replace('@', '').replace('/', '__')}.txt` : null;
    if (file) await copyFile(path.join(folder, file), path.join(out, kept));
    packages[name] = { version, license, ...(kept && { file: kept }) };
  }
  return packages;
}

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await bundle('src/viewer.js');
await bundle('src/designer.js');
await bundle('src/viewer.css');
await bundle('src/designer.css');
await copyFile(path.join(modules, 'htmx.org', 'dist', 'htmx.min.js'), path.join(out, 'htmx.js'));
const packages = await licences();
const files = {};
for (const file of await listing(out)) {
  files[file] = createHash('sha256').update(await readFile(path.join(out, file))).digest('hex');
}
// What it was made from: a source that changed without a build is found.
const sources = {};
for (const file of ['build.mjs', 'package-lock.json', ...(await listing(path.join(here, 'src'), '')).map((name) => `src/${name}`)]) {
  sources[file] = createHash('sha256').update(await readFile(path.join(here, file))).digest('hex');
}
await writeFile(path.join(out, 'manifest.json'), `${JSON.stringify({ packages, sources, files }, null, 2)}\n`);
console.log(`${Object.keys(files).length} files in ${path.relative(process.cwd(), out)}`);
