// What runs in the page. It holds a connection only while its page can be seen, since a browser opens six to one server; what
// has changed meanwhile is seen by the version, as is a server that was started anew.

export const LIVE_SCRIPT = `(() => {
  const script = document.currentScript;
  let seen = new URL(script.src).searchParams.get('v');
  const address = new URL('live-events', script.src).href;
  let source;
  const refreshStyles = () => {
    for (const link of document.querySelectorAll('link[rel~="stylesheet"]')) {
      const url = new URL(link.href);
      if (url.origin !== location.origin) continue;
      url.searchParams.set('live', seen);
      const next = link.cloneNode();
      next.href = url.href;
      next.onload = next.onerror = () => link.remove();
      link.after(next);
    }
  };
  const close = () => {
    if (source) source.close();
    source = undefined;
  };
  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource(address);
    source.addEventListener('version', ({ data }) => { if (data !== seen) location.reload(); });
    source.addEventListener('reload', () => location.reload());
    source.addEventListener('styles', ({ data }) => { seen = data; refreshStyles(); });
  };
  document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
  addEventListener('pagehide', close);
  addEventListener('pageshow', open);
  open();
})();
`;
