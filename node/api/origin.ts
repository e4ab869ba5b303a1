import { isLoopback } from "../operations/check-settings.ts";
import { ApiError } from "./errors.ts";

/**
 * Refuses an open write that a web page of somebody else may have caused: its browser sends that
 * page's origin, or, after DNS rebinding, that page's host name.
 *
 * @throws ApiError `foreign-origin`
 */
export function refuseForeign(request: {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly ip: string;
}): void {
  const { host, origin } = request.headers;
  const site = request.headers["sec-fetch-site"];
  if (!isLoopback(request.ip.replace(/^::ffff:/, "")))
    throw new ApiError("foreign-origin", "the request came from another machine");
  if (typeof host !== "string" || !isLoopbackHost(host))
    throw new ApiError("foreign-origin", `the Host header is ${JSON.stringify(host)}`);
  if (origin !== undefined && origin !== `http://${host}`)
    throw new ApiError("foreign-origin", `the Origin header is ${JSON.stringify(origin)}`);
  if (site !== undefined && site !== "same-origin" && site !== "none")
    throw new ApiError("foreign-origin", `the Sec-Fetch-Site header is ${JSON.stringify(site)}`);
}

function isLoopbackHost(host: string): boolean {
  const parts = /^(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9.-]+))(?::\d{1,5})?$/.exec(host);
  const name = parts?.[1] ?? parts?.[2];
  return name !== undefined && isLoopback(name.toLowerCase());
}
