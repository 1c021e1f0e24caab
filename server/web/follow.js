// @ts-check
// Keeps the question and the words that sound in sight, until the person scrolls elsewhere.

const SCROLL_KEYS = new Set(["PageUp", "PageDown", "Home", "End", "ArrowUp", "ArrowDown"]);
/** A smooth scroll takes about as long; beginning it anew at every word would never end it. */
const SETTLE_MS = 500;
/** Between what is read and the dock or the window's edge. */
const MARGIN_PX = 24;

export class Follow {
  /** @param {HTMLElement} dock which covers the lower end of the window */
  constructor(dock) {
    this._dock = dock;
    this._isFollowing = true;
    this._scrolledAt = -Infinity;
    const leave = () => {
      this._isFollowing = false;
    };
    for (const gesture of ["wheel", "touchmove"])
      document.addEventListener(gesture, leave, { passive: true });
    document.addEventListener("keydown", ({ key, target }) => {
      const isTyping = /** @type {Element} */ (target).closest("input, select") !== null;
      if (SCROLL_KEYS.has(key) && !isTyping) leave();
    });
    // The scroll bar belongs to the root element.
    document.addEventListener("pointerdown", ({ target }) => {
      if (target === document.documentElement) leave();
    });
  }

  /** Another question is the current one: it stands at the top of the page. */
  begin() {
    this._isFollowing = true;
    this._scrollTo(0);
  }

  /** @param {Element | null} word that sounds now */
  keep(word) {
    if (word === null || !this._isFollowing) return;
    const { top, bottom } = word.getBoundingClientRect();
    const end = this._dock.getBoundingClientRect().top - MARGIN_PX;
    if (top >= 0 && bottom <= end) return;
    if (performance.now() - this._scrolledAt < SETTLE_MS) return;
    this._scrollTo(scrollY + top - end / 3);
  }

  /** @param {number} top */
  _scrollTo(top) {
    if (Math.abs(Math.max(0, top) - scrollY) < 1) return;
    this._scrolledAt = performance.now();
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    scrollTo({ top: Math.max(0, top), behavior: isCalm ? "instant" : "smooth" });
  }
}
