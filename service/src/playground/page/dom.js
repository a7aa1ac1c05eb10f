/**
 * Finds an element of the page.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @throws {Error} if the page has no such element
 */
export function find(id, type) {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`the page has no ${type.name} with the id ${id}`);
}

/**
 * Creates an element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Readonly<Record<string, string | number>>} [attributes]
 * @param {(Node | string)[]} children
 */
export function element(tag, attributes = {}, ...children) {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, String(value));
  created.append(...children);
  return created;
}

/**
 * Shows a text in an element, or hides the element if there is none.
 *
 * @param {HTMLElement} target
 * @param {string} [text]
 */
export function showText(target, text) {
  target.textContent = text ?? "";
  target.hidden = text === undefined;
}

/** Has the colors that the style sheet gives to its custom properties. */
const probe = element("span", { hidden: "" });
document.body.append(probe);

/**
 * Returns a color of the style sheet, which depends on whether the page is light or dark.
 *
 * @param {`--${string}`} name
 */
export function styleColor(name) {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}
