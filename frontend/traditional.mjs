// Writes engine/design/lint/traditional.json: what differs between simplified Chinese and that of Hong Kong, sign by sign and
// for words that need more than their signs. Findings of lint are written in simplified Chinese once.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Converter } from 'opencc-js';

const convert = Converter({ from: 'cn', to: 'hk' });
const signs = {};
for (let code = 0x4e00; code <= 0x9fff; code += 1) {
  const sign = String.fromCodePoint(code);
  const other = convert(sign);
  if (other !== sign) signs[sign] = other;
}
// Words whose signs have two forms, or that Hong Kong calls otherwise.
const words = { 重复: '重複', 复制: '複製', 复杂: '複雜', 文件: '檔案', 什么: '甚麼' };
const target = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'engine', 'design', 'lint', 'traditional.json');
await writeFile(target, `${JSON.stringify({ words, signs })}\n`);
