/**
 * Why a URL or a device cannot be opened, in a sentence with what to do, from what ffmpeg says of it.
 *
 * Pure. It never repeats a user name, a password or a query of the URL.
 */

/** Why a connection failed. */
export interface ConnectionProblem {
  /** A sentence without a full stop: what is wrong, and what to do. */
  readonly reason: string;
  /** Whether another try can only fail the same way. */
  readonly isLasting: boolean;
}

/** A URL that may be shown and stored: without user, password and query, which may hold a token. */
export function withoutSecrets(url: string): string {
  const parsed = new URL(url);
  parsed.username = "";
  parsed.password = "";
  parsed.search = "";
  parsed.hash = "";
  return parsed.href;
}

/** A remote input: a URL, or a device that ffmpeg opens with `-f <format>`. */
export interface RemoteInput {
  readonly url: string;
  /** ffmpeg's format of a capture device; `null` for a URL. */
  readonly device: string | null;
}

/**
 * What ffmpeg's error lines mean for a remote input.
 * @returns `null` if they are of no kind that is known here
 */
export function connectionProblem(stderr: string, { url, device }: RemoteInput): ConnectionProblem | null {
  // Words in URLs say nothing.
  const said = stderr.replace(/\S+:\/\/\S+/g, "");
  const lines = said.split(/\r?\n/).filter((line) => line.trim() !== "");
  const kinds = device === null ? urlProblems(new URL(url)) : deviceProblems(device, url);
  for (const [pattern, reason, isLasting = false] of kinds) {
    if (lines.some((line) => pattern.test(line))) return { reason, isLasting };
  }
  return null;
}

/** What a line says, the reason, and whether it lasts. The first kind that is found counts. */
type Kind = readonly [pattern: RegExp, reason: string, isLasting?: boolean];

/** How ffmpeg says that a server answered with a status, over HTTP and RTSP. */
const answered = (status: string) => new RegExp(`(?:returned|failed:|error) (?:${status})\\b`, "i");

function urlProblems({ protocol, hostname, host, pathname, username, password }: URL): Kind[] {
  const scheme = protocol.replace(":", "");
  const unauthorized =
    username === "" && password === ""
      ? `it asks for a user name and a password (401). Put USER:PASSWORD@ before ${host} in the URL`
      : `it refuses the user name or the password in the URL (401). Correct USER:PASSWORD before @${host}; characters such as @ : / # are written %40 %3A %2F %23`;
  return [
    [/Protocol not found|not on whitelist/i, `ffmpeg reads no ${scheme}:// URLs. Use another protocol`, true],
    [answered("401"), unauthorized, true],
    [
      answered("403"),
      "access is forbidden (403). Check that the user in the URL may see this stream, and that a token in its query is still valid",
    ],
    [answered("404"), `the server has nothing at ${pathname} (404). Check the path`],
    [answered("453|454|503"), "the server is busy or takes no more viewers (503)"],
    [
      answered("4XX|4\\d\\d"),
      "the server refuses the request (4xx). Check the path and the query of the URL",
    ],
    [answered("5XX|5\\d\\d"), "the server failed (5xx)"],
    [
      /Connection refused|Error number -138|WSAECONNREFUSED/i,
      `nothing listens at ${host} (connection refused). Check the address and the port, and that it is switched on`,
    ],
    [
      /Failed to resolve hostname|Name or service not known|nodename nor servname|No such host/i,
      `there is no host named ${hostname}. Check the name and the network`,
    ],
    [
      /No route to host|Network is unreachable|Host is unreachable/i,
      `there is no way to ${hostname}. Check the network`,
    ],
    [
      /timed out|Error number -110/i,
      `${host} did not answer in time. Check the address, and that it is switched on`,
    ],
    [
      /certificate|TLS|SSL/i,
      `no secure connection to ${host} is possible. Check its certificate, or the protocol`,
    ],
    [/Connection reset|Broken pipe/i, `${host} broke the connection off. Check the port and the protocol`],
    [/End of file/i, `${host} closed the connection without sending anything. Check the port and the path`],
    [
      /^(?!.*(decoding|submitting)).*Invalid data found|could not find codec|does not contain any stream|moov atom not found/i,
      "what it sends is neither video nor audio. Check the path; a page that shows a stream is not the stream",
    ],
  ];
}

function deviceProblems(format: string, name: string): Kind[] {
  return [
    [/Unknown input format/i, `this ffmpeg has no ${format} devices. Its list: ffmpeg -devices`, true],
    [/busy|already in use|in use by/i, `another program uses the device ${name}. Close that program`],
    [
      /Permission denied|Operation not permitted/i,
      `this user may not open the device ${name}. Add the user to the device's group (video, audio)`,
    ],
    [
      /No such file|No such device|device.*not found|invalid device|cannot open|could not find|No such process|Connection refused|Input\/output error/i,
      `there is no ${format} device ${name}. List what there is with: ffmpeg -hide_banner -sources ${format}, or -list_devices true`,
    ],
    [
      /Inappropriate ioctl|Invalid argument|No such filter/i,
      `${name} is no ${format} device. Check its name`,
    ],
  ];
}
