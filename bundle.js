/**
 * The last step of `npm run build`: what executables and `import 'msgflo'` load becomes a few files instead of hundreds,
 * packages included. Loading modules is most of what a participant takes to start, and much of its memory
 * (docs/performance.md). tsc has written the same files one by one, with their types, into dist/ before.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

/** Loaded only by those who need them, and shared with the author's own code. Everything else goes into the files. */
const SEPARATE = ['@opentelemetry/api', 'ajv', 'ajv-formats', 'prom-client'];

/** Code that its users name by path: these files stay where they are. */
const PROGRAMS = ['index', 'embedded/main', 'process/guard-main', 'log/index', 'log/server/worker-main'];

const bins = await Promise.all((await readdir('bin')).map((name) => readFile(`bin/${name}`, 'utf8')));
const commands = bins.flatMap((text) => [...text.matchAll(/'\.\.\/dist\/(.+)\.js'/g)].map(([, path]) => path));
const entryPoints = [...new Set([...PROGRAMS, ...commands])].map((path) => `src/${path}.ts`);

await rm('dist/chunks', { recursive: true, force: true });
const { metafile } = await build({
  entryPoints,
  external: SEPARATE,
  outdir: 'dist',
  outbase: 'src',
  chunkNames: 'chunks/[name]-[hash]',
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  // Names stay as they are, but no call for each closure to keep them where two modules share one.
  keepNames: false,
  minifySyntax: true,
  minifyWhitespace: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
  // Bundled CommonJS packages ask for Node's own modules.
  banner: {
    js: "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);",
  },
});
await writeFile('dist/chunks/LICENSES.txt', await licences(Object.keys(metafile.inputs)));

/** The licence texts of all packages that files were taken from. @param {readonly string[]} files @returns {Promise<string>} */
async function licences(files) {
  const folders = new Set(files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []));
  const texts = [...folders].sort().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? await readFile(`${folder}/${file}`, 'utf8') : `${license}\n`;
    return `${name} ${version}\n\n${text}`;
  });
  return (await Promise.all(texts)).join(`\n${'-'.repeat(80)}\n\n`);
}
