/** The mark (a torii, the gate one walks through to the dojo) and the name. */
export function Brand({ size = 28 }: { size?: number }) {
  return (
    <>
      <svg width={size} height={size} viewBox="0 0 64 64" aria-hidden="true">
        <rect width="64" height="64" rx="15" fill="var(--accent)" />
        <g fill="none" stroke="var(--on-accent)" strokeWidth="5" strokeLinecap="round" strokeLinejoin="round">
          <path d="M13 18c12 4 26 4 38 0M16 29h32M22 20v28M42 20v28" />
        </g>
      </svg>
      <span>Live Dojo</span>
    </>
  );
}
