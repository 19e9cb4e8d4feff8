/**
 * An error of AWS → one line that names the action and the way round it.
 */
import { SensorError } from '../../errors.js';

/** The error codes with which ECS, EC2 and IAM say that the caller has no permission. */
const DENIED = new Set([
  'AccessDeniedException',
  'AccessDenied',
  'UnauthorizedOperation',
  'NotAuthorized',
  'UnauthorizedException',
]);

const NO_CREDENTIALS = new Set([
  'CredentialsProviderError',
  'ExpiredTokenException',
  'ExpiredToken',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'AuthFailure',
]);

const WAYS_ROUND: Record<string, string> = {
  'ec2:DescribeRegions': 'name the region with --region',
  'ecs:ListClusters': 'name the cluster with --cluster',
  'ecs:DescribeClusters': 'name the cluster with --cluster',
  'ecs:ListTaskDefinitionFamilies': 'name the task definition with --family',
  'ecs:ListServices': 'name the service with --service',
  'ecs:DescribeServices':
    'leave the service out: --family with --register-only makes the revision for someone else to deploy',
  'ecs:DescribeTaskDefinition':
    'nothing can be done without reading the task definition; task-definitions/sidecar.json is for pasting by hand',
  'ecs:RegisterTaskDefinition': 'hand the output of --dry-run --json to someone who may register it',
  'ecs:UpdateService': 'use --register-only and let someone who may update the service do so',
  'ecs:TagResource': 'use --no-tags, which leaves the tags off the new revision and the service',
  'iam:PassRole': 'the task has roles, and registering it hands them on: allow iam:PassRole on those role ARNs',
};

/** Whether a call was refused because a permission is missing. */
export class AccessDeniedError extends SensorError {
  readonly action: string;

  constructor(action: string, message: string) {
    super(message);
    this.name = 'AccessDeniedError';
    this.action = action;
  }
}

export function explainAwsError(call: string, error: unknown): SensorError {
  if (error instanceof SensorError) {
    return error;
  }
  const name = error instanceof Error ? error.name : 'Error';
  const message = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').trim();
  // "User: arn:… is not authorized to perform: iam:PassRole on resource: …": the action may not be the call's.
  const action = /not authorized to perform:? \[?([a-z0-9-]+:[A-Za-z]+)/.exec(message)?.[1];
  if (DENIED.has(name) || action !== undefined) {
    const refused = action ?? call;
    const wayRound = WAYS_ROUND[refused] ?? 'ask for the permission';
    return new AccessDeniedError(
      refused,
      `AWS denied ${refused}: allow it (docs/iam-policy.json lists all that are used), or ${wayRound}`,
    );
  }
  if (NO_CREDENTIALS.has(name)) {
    return new SensorError(
      `AWS credentials do not work for ${call} (${name}: ${message}): check --profile, AWS_PROFILE, or "aws sso login"`,
    );
  }
  return new SensorError(`${call} failed: ${name}: ${message}`);
}
