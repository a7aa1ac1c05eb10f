import { parser } from "@prometheus-io/lezer-promql";

type Node = ReturnType<typeof parser.parse>["topNode"];

/** A metric that a query selects, with all labels that the query expects it to have. */
export interface Reference {
  readonly metric: string;
  readonly labels: readonly string[];
}

/** Where a query names labels of the metrics below it. */
const groupings = ["AggregateModifier", "MatchingModifierClause"];

function descendants(node: Node, name: string): Node[] {
  const found: Node[] = [];
  node.cursor().iterate((each) => {
    if (each.name === name) found.push(each.node);
  });
  return found;
}

/**
 * Returns the metrics and labels that a query refers to.
 *
 * @throws {SyntaxError} if it is not a query
 */
export function referencesOf(query: string): Reference[] {
  const textOf = ({ from, to }: Node) => query.slice(from, to);
  const labelsBelow = (node: Node) => descendants(node, "LabelName").map(textOf);
  const top = parser.parse(query).topNode;
  const [error] = descendants(top, "⚠");
  if (error) throw new SyntaxError(`${query}: not PromQL at character ${error.from}`);

  function visit(node: Node, inherited: readonly string[]): Reference[] {
    if (node.name === "VectorSelector") {
      const [metric] = descendants(node, "Identifier").map(textOf);
      if (metric === undefined) throw new SyntaxError(`${query}: ${textOf(node)} names no metric`);
      return [{ metric, labels: [...inherited, ...labelsBelow(node)] }];
    }
    const own = groupings.flatMap((name) => node.getChildren(name).flatMap(labelsBelow));
    const references: Reference[] = [];
    for (let child = node.firstChild; child; child = child.nextSibling) {
      references.push(...visit(child, [...inherited, ...own]));
    }
    return references;
  }
  return visit(top, []);
}
