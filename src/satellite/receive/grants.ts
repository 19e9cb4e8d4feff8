/** Which token may do what, and in which organisation. An organisation and a workspace of it are as strange to each other as two. */

/** What a token is for. One that steers reads as well; one that sends does nothing else. */
export type Role = 'ingest' | 'read' | 'steer';

export interface Grant {
  /** `ORGANISATION` or `ORGANISATION/WORKSPACE`. */
  readonly organisation: string;
  readonly role: Role;
  readonly token: string;
}

/** Where there are no grants, all that there is belongs to this one. */
export const SOLE = '';

/** What a sender says of itself, by headers or by its resource; undefined or empty is nothing. */
export interface Claim {
  readonly organisation?: string | undefined;
  readonly workspace?: string | undefined;
}

/** What of it is not of an organisation; null where nothing is. */
export function foreignClaim(name: string, { organisation = '', workspace = '' }: Claim): string | null {
  if (name === SOLE) return null;
  const [mine = '', myWorkspace] = name.split('/', 2);
  if (organisation !== '' && organisation !== mine) return `organisation ${JSON.stringify(organisation.slice(0, 80))}`;
  if (workspace !== '' && myWorkspace !== undefined && workspace !== myWorkspace)
    return `workspace ${JSON.stringify(workspace.slice(0, 80))}`;
  return null;
}
