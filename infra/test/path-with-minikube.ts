import { join } from "node:path";

const { PATH } = process.env;

/** A PATH on which `minikube` is the one in `stand-ins`. */
export const pathWithMinikube = `${join(import.meta.dirname, "stand-ins")}:${PATH}`;
