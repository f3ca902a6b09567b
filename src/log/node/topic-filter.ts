/**
 * Whether a topic's name matches a filter as MQTT has them (version 3.1.1, chapter 4.7): words between `/`, `+` for any one
 * word, `#` at the end for all the rest, the parent included. Names that begin with `$` match no filter that begins with
 * a wildcard.
 */
export function matchesFilter(filter: string, topic: string): boolean {
  if (filter === topic) return true;
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false;
  const words = topic.split('/');
  const wanted = filter.split('/');
  for (const [at, word] of wanted.entries()) {
    if (word === '#') return true;
    if (at >= words.length || (word !== '+' && word !== words[at])) return false;
  }
  return wanted.length === words.length;
}
