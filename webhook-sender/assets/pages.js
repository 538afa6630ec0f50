// The little that the pages do in a browser beyond htmx. Without it they work too, except the live view.
'use strict';

(() => {
  const UNITS = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];
  const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' });
  const exact = new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'medium', timeStyle: 'long',
  });

  // Times in words, and exact ones in the reader's time zone.
  function words(at) {
    const seconds = Math.round((at - Date.now()) / 1000);
    const [unit, length] = UNITS.find(([, it]) => Math.abs(seconds) >= it) || [];
    return unit ? relative.format(Math.trunc(seconds / length), unit) : 'just now';
  }

  function showTimes(within) {
    for (const element of within.querySelectorAll('time[datetime]')) {
      const at = new Date(element.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      const text = words(at);
      if (element.textContent !== text) element.textContent = text;
      if (!element.dataset.local) {
        element.dataset.local = '1';
        element.title = exact.format(at);
      }
    }
  }

  // A form that must not be sent twice keeps its button disabled until the next page.
  document.addEventListener('submit', (event) => {
    if (!event.target.classList.contains('once')) return;
    const button = event.target.querySelector('button:not([type=button])');
    setTimeout(() => { button.disabled = true; });
  });
  addEventListener('pageshow', () => {
    for (const button of document.querySelectorAll('form.once button')) button.disabled = false;
  });

  // The live view.
  const MOST_ROWS = 200;
  let stream;

  function startLive() {
    const status = document.getElementById('live-status');
    if (stream && (!status || stream.status !== status)) {
      stream.source.close();
      stream = undefined;
    }
    if (!status || stream) return;
    const rows = document.getElementById('live-rows');
    const pause = document.getElementById('live-pause');
    document.getElementById('live-controls').hidden = false;
    const source = new EventSource(status.dataset.stream);
    stream = { source, status };
    let isPaused = false;
    pause.addEventListener('click', () => {
      isPaused = !isPaused;
      pause.setAttribute('aria-pressed', String(isPaused));
      status.textContent = isPaused ? 'Paused. New deliveries are left out.' : 'Waiting for deliveries.';
    });
    source.addEventListener('open', () => { status.textContent = 'Waiting for deliveries.'; });
    source.addEventListener('error', () => {
      status.textContent = source.readyState === EventSource.CLOSED
        ? 'The connection has ended. Reload the page to continue.'
        : 'The connection was lost. Trying again.';
    });
    source.addEventListener('row', (event) => {
      if (isPaused) return;
      // The row is a page's markup, which the server has escaped.
      const template = document.createElement('template');
      template.innerHTML = event.data;
      showTimes(template.content);
      rows.prepend(template.content);
      while (rows.children.length > MOST_ROWS) rows.lastElementChild.remove();
      status.textContent = 'Showing deliveries as they happen.';
    });
  }

  function ready() {
    showTimes(document);
    startLive();
  }

  document.addEventListener('DOMContentLoaded', () => {
    ready();
    setInterval(() => showTimes(document), 10000);
  });
  // After htmx has put in another page: its title is set already; the focus goes to its content.
  document.addEventListener('htmx:afterSettle', () => {
    ready();
    const main = document.getElementById('main');
    if (main) main.focus({ preventScroll: true });
  });
})();
