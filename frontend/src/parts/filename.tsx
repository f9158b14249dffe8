// The name of a file in one line. The end of a long name tells more than its middle.

const END = 14;

export function FileName({ text }: { text: string }) {
  const cut = Math.max(0, text.length - END);
  return (
    <span class="file-name mono" title={text}>
      <span>{text.slice(0, cut)}</span>
      <span>{text.slice(cut)}</span>
    </span>
  );
}
