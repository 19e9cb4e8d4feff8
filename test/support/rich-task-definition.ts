/**
 * A task definition with something in every corner: each member of RegisterTaskDefinition's input, the four kinds of
 * volume, and members that no SDK of today knows.
 */
import type { JsonObject } from '../../src/deploy/ecs/json-value.js';

export const richTags: JsonObject[] = [
  { key: 'team', value: 'shop' },
  { key: 'cost-centre', value: '4711 / €' },
];

export const richTaskDefinition: JsonObject = {
  family: 'shop',
  taskRoleArn: 'arn:aws:iam::123456789012:role/shop-task',
  executionRoleArn: 'arn:aws:iam::123456789012:role/shop-execution',
  networkMode: 'awsvpc',
  requiresCompatibilities: ['FARGATE'],
  cpu: '2048',
  memory: '4096',
  pidMode: 'task',
  ipcMode: 'task',
  enableFaultInjection: true,
  ephemeralStorage: { sizeInGiB: 41 },
  runtimePlatform: { cpuArchitecture: 'ARM64', operatingSystemFamily: 'LINUX' },
  placementConstraints: [{ type: 'memberOf', expression: 'attribute:ecs.instance-type =~ t3.*' }],
  proxyConfiguration: {
    type: 'APPMESH',
    containerName: 'envoy',
    properties: [
      { name: 'IgnoredUID', value: '1337' },
      { name: 'ProxyIngressPort', value: '15000' },
      { name: 'ProxyEgressPort', value: '15001' },
      { name: 'AppPorts', value: '8080' },
    ],
  },
  volumes: [
    {
      name: 'uploads',
      efsVolumeConfiguration: {
        fileSystemId: 'fs-0123456789abcdef0',
        rootDirectory: '/',
        transitEncryption: 'ENABLED',
        transitEncryptionPort: 20_049,
        authorizationConfig: { accessPointId: 'fsap-0123456789abcdef0', iam: 'ENABLED' },
      },
    },
    {
      name: 'scratch',
      dockerVolumeConfiguration: {
        scope: 'task',
        driver: 'local',
        driverOpts: { type: 'tmpfs', device: 'tmpfs' },
        labels: { kept: 'yes' },
      },
    },
    { name: 'bind', host: { sourcePath: '/var/lib/shop' } },
    { name: 'later', configuredAtLaunch: true },
    { name: 'empty', host: {} },
  ],
  containerDefinitions: [
    {
      name: 'web',
      image: '123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:1.4.2',
      cpu: 1024,
      memory: 2048,
      memoryReservation: 1024,
      essential: true,
      portMappings: [{ containerPort: 8080, hostPort: 8080, protocol: 'tcp', name: 'http', appProtocol: 'http' }],
      environment: [
        { name: 'B', value: 'zwei "€"' },
        { name: 'A', value: '' },
      ],
      environmentFiles: [{ type: 's3', value: 'arn:aws:s3:::shop/web.env' }],
      secrets: [{ name: 'DB_PASSWORD', valueFrom: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf' }],
      mountPoints: [{ sourceVolume: 'uploads', containerPath: '/srv/uploads', readOnly: false }],
      volumesFrom: [],
      dependsOn: [{ containerName: 'envoy', condition: 'HEALTHY' }],
      ulimits: [{ name: 'nofile', softLimit: 65_536, hardLimit: 65_536 }],
      linuxParameters: { initProcessEnabled: true, capabilities: { drop: ['ALL'], add: ['SYS_PTRACE'] } },
      healthCheck: {
        command: ['CMD-SHELL', 'curl -f http://localhost:8080/ || exit 1'],
        interval: 30,
        timeout: 5,
        retries: 3,
      },
      logConfiguration: {
        logDriver: 'awslogs',
        options: { 'awslogs-group': '/ecs/shop', 'awslogs-region': 'eu-west-1', 'awslogs-stream-prefix': 'web' },
        secretOptions: [],
      },
      systemControls: [{ namespace: 'net.core.somaxconn', value: '1024' }],
      restartPolicy: { enabled: true, ignoredExitCodes: [0], restartAttemptPeriod: 180 },
      versionConsistency: 'disabled',
      stopTimeout: 60,
      dockerLabels: { 'com.example.owner': 'shop' },
    },
    { name: 'envoy', image: 'public.ecr.aws/appmesh/envoy:v1', cpu: 256, memory: 256, essential: true, user: '1337' },
  ],
};

/** The same with members that the SDK's model lacks, at the top, in a container and in a volume. */
export const futureTaskDefinition: JsonObject = {
  ...richTaskDefinition,
  quantumIsolation: { mode: 'entangled', qubits: [1, 2.5, -0.25] },
  volumes: [...(richTaskDefinition.volumes as JsonObject[]), { name: 'tape', tapeVolumeConfiguration: { reel: 9 } }],
  containerDefinitions: (richTaskDefinition.containerDefinitions as JsonObject[]).map((container, index) =>
    index === 0 ? { ...container, gravity: { g: 9.81, on: true, of: null } } : container,
  ),
};
