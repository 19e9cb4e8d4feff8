/** Which ClickHouse, and how tables are made there. It is spoken to over HTTP. */
export interface ClickHouseTarget {
  /** `http://HOST:PORT` or `https://HOST:PORT`. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly database: string;
  /** `ON CLUSTER`, or null. */
  readonly cluster: string | null;
  /** Whether tables are of the `Replicated…` engines, with the paths that the server's configuration gives them. */
  readonly isReplicated: boolean;
}
