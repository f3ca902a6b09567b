import { participant } from 'msgflo';

const KINDS = [
  { kind: 'network copyleft', pattern: /\bAGPL|\bSSPL/i },
  { kind: 'weak copyleft', pattern: /\bLGPL|\bMPL|\bEPL|\bCDDL/i },
  { kind: 'copyleft', pattern: /\bGPL/i },
  {
    kind: 'permissive',
    pattern: /\bMIT\b|\bISC\b|\bBSD|Apache|\b0BSD|Unlicense|CC0|BlueOak|Python|PSF|Zlib|\bW3C|\bWTFPL|Artistic/i,
  },
  { kind: 'documents', pattern: /\bCC-BY/i },
];

/**
 * Manifests say it in three ways: a text, an object with a type, a list of such.
 * @param {unknown} license
 * @returns {string}
 */
function nameOf(license) {
  if (typeof license === 'string') return license;
  if (Array.isArray(license)) return license.map(nameOf).join(' OR ');
  if (license !== null && typeof license === 'object' && 'type' in license) return nameOf(license.type);
  return '';
}

export default participant({
  component: 'ClassifyLicense',
  label: 'Says of what kind a licence is',
  icon: 'balance-scale',
  inports: { in: { type: 'object' } },
  outports: { out: { type: 'object' } },
  prefetch: 50,
  async process({ in: manifest }, { send }) {
    const named = nameOf(manifest?.license);
    // Packages hold package.json files that only say how to load a folder of theirs.
    const license = named || (manifest?.isPackage ? 'none given' : 'that of the package around it');
    const kind =
      KINDS.find(({ pattern }) => pattern.test(license))?.kind ??
      (named || manifest?.isPackage ? 'unknown' : 'not a package');
    await send('out', { ...manifest, license, kind });
  },
});
