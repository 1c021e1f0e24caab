// @ts-check
// Builds and finds elements. Text is set as text, never as markup.

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {{text?: string, [attribute: string]: string | undefined}} [attributes]
 * @param {(Node | null)[]} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  return /** @type {HTMLElement} */ (fill(document.createElement(tag), attributes, children));
}

/**
 * @param {string} tag
 * @param {{[attribute: string]: string}} attributes
 * @param {Node[]} children
 */
export function makeSvg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG_NAMESPACE, tag), attributes, children);
}

/**
 * @param {Element} node @param {{[attribute: string]: string | undefined}} attributes
 * @param {(Node | null)[]} children @returns {Element}
 */
function fill(node, { text, ...attributes }, children) {
  if (text !== undefined) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** @param {string} id @returns {HTMLElement} an element of index.html */
export function byId(id) {
  const node = document.getElementById(id);
  if (node === null) throw new Error(`index.html has no element #${id}`);
  return node;
}

/**
 * Leaves the node alone when nothing changed, so that screen readers stay quiet.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
