/**
 * Words that paths of APIs are made of: resources and actions, as found in the paths of some 2,600 published descriptions of APIs by
 * some 700 providers. A word that is here is more likely a name of the API's than a value.
 */
/** Three to five of a thousand providers of APIs have these in their paths. */
const LEVEL_1 = `
  abort absolute abuse acceptance accepted accessible accuracy acl activations actors adapters added addon adjustment
  adjustments administrator advance advertised advisors age aged aggregations agreement ai air airport airports alarms
  album alive allocations alpha alternative alternatives amendments amount android annotate annual anomaly anonymize
  anonymous any applicable applied appointment appointments approved are arrivals artifact artist assignment
  assistants at atms attack attempt attempts attendance attendees audience audiences auditing audits author authors
  automatic availabilities avatars average awaiting awards aws azure backend backgrounds badges balancers bandwidth
  banks banner baseline baselines begin benefit benefits best between bgp bid bids bill billable bills bind binding
  bindings bio blacklist blob blobs blockchain blocked blue blueprints board boards body bookings bookmark bootstrap
  bot bounce bounces brand break bridge broadcast browse browsers bucket budget budgets bus buy bypass bytes ca
  calculation caller cancellation candidates capacities capacity captions carbon care carriers cart cast cells centers
  cert certifications challenge changelog changelogs changeset chapters charts chassis checkin checklist chrome
  circuits claims classifier classifiers classify clean click clicks clips cm cms collaborations collector color
  colors command commerce commercial commissions common communications community comparison compatible compile
  completion complex compliances component compose composite compute computed conferences confidence configured
  confirmations conflicts conformance connected consumers consumption container contains continuous contribution
  contributions contributor controller controls conversation conversion conversions cookies coordinates core
  correlation costs coupon coupons courses cover coverages crawl created creation creator crm crypto cs csr css
  cultures customfields cycle cycles datasources datastore datastores dealers debit debug decision decisions
  declarations decode decrypt defense delay delegated delegates deletion deliver delivered deliveries delta demand
  demographics dep departments departures dependents deposit deprovision derived descriptors destination dev developer
  developers development dhcp diagnostic diagnostics dicom dictionaries dictionary difference digest dimension
  directories discount discovered discussions disk disks dismiss dispute disputes distribute distribution
  distributions district districts divisions doc domestic donations down driver drivers duplicate duty dynamic ec echo
  ecommerce edited edits effect election elements elevation eligible emergency emoji employers encoding encrypt energy
  enforcement engine engines enrich enrichment enroll enrollment enterprises entitlement entitlements env ephemeral
  equipment eu evaluation evaluations examples exclusion exclusions exec expand expenses experience experiment
  experiments expiration expiry explorer exposed ext extend extension fact factor factory failover failures family faq
  fast favicon favourite faxes fees fill filtered final finalize finance financials findings firehose first fixed
  flagged fleet fleets flight flights floating flush follow followed font fonts forks format formats formula forward
  forwarding frequency friends front frontend fulfillment function funding gateways gen gender generated generic genes
  genre geocode geofences geojson geometry gift glossary goals graphs grid guide hardware has hash hashes hdfs header
  headers healthcheck hidden hide histogram historic histories hit hlr hls hmac holdings holds homepage hook hostname
  hotel hotels hour hours http hubs human iam icon identification identifier identifiers identities idp if impact
  impacted imported inactive incident income increase increment indexes indexing indices individual individuals
  industries infos infrastructure ingest init initialize initials inline inputs ins insert insight installed instant
  instantiate institutions instrument int integrity interaction interactions interest interests internet interval
  inventories invited invocations io iot ipam ipv issued jira journals jurisdiction keyword kick knowledge kubernetes
  lab launch layer layers layout ldap lead leaderboards learning ledger letter library licensing life lifetime light
  like listeners liveness loans locale locate locks loggers logging logos long lookups lost loyalty lyrics mac machine
  machines major malware manage managers manifests manual manufacturers mapped mapper markdown markers market
  marketdata marketing marks markup material materials matrix mean measure meeting meetings menu merchants messaging
  meters migrations min missing ml moderate moderation moderators modes modify module monitors month monthly mount
  movie msg music mute named namespace nat nearby no norm not notebook occurrences ocr offerings office offline oidc
  ontology op openai operating opportunities opt opted option ordering organisations origin original origins other otp
  outlets outputs overall override owned ownership packs paged paid pair pairing parameter params parents part partial
  participant participation parties partition partitions pass past pathways patient patients pattern payees payloads
  payout payouts payroll peering peerings per percentile perf perform period phones phrases physical pick pickup
  picture pinned pins place placement played playlist plugin podcasts poi polls portability portfolios porting pos
  predict preference preferred prefs premium prepare previews previous principal principals print printer priorities
  privileges pro proactive problems processes processing processor processors producer profit prometheus promo
  proposals protect protected protections protocol protocols psd publication publishers publishing pulls purpose put
  qrcode question quick quotas races rack radius ranges ranking rankings reaction reactivate readme real realtime
  reassign rebuild recall receive recently recipe recipes recognition recommendation recycle red redact redirect ref
  referrer refs regional registries reindex relationship relay reload remaining reminder reminders rental repeat
  replica replicas reply repo repos reprocess reputation required requirements rerun reschedule reserve reserved
  resolution resolved restrict restricted reveal revenue reversals revert reviewers revision reward rights robots
  rollback root routers row rows rsa rss running runtime safe safety sandbox sap sas savings scale scenarios scheduler
  scheduling schemes schools scoped screen screens screenshots sdk season secondary section segment selected sell
  seller sender sends sensitivity sentences sentiments sequence serial serp settlements severity sharing shell shifts
  shopping signal signature signup similarity simulate simulation sinks sip sku skus snippet snmp snooze socket
  solutions song sort space spam special specific specification specifications speech spot spots sql square stacks
  staff stage standards standings star starred stars stat statement static station stocks stored strategy streaming
  street string stripe structure structures students studies studios study style styles subaccount subject subjects
  submission subnet subnets subscribed subscriber subscribers sum supplier suppliers supply suppressions survey svg
  symbols syncs synonyms syslog tab tabs taxonomy teachers telemetry temporary tenancy tenants tester testers texts
  threat threshold thumbnails timer timers timestamp timezone timezones title tls today todo tool tools topups totals
  traces tracked trackers trades train training transcript transcription transformations transforms transit transition
  translations trash trees trend trends trials trim trip troubleshoot truncate trust trusted tuning tunnel tunnels tv
  twilio txt unapply unarchive unbind unblock undelete under undo unenroll uninstall unique universal unmute unpause
  unpin unset unshare unsupported unsuspend updatestatus uploaded us used userinfo using utility utilization utils
  valid validator variant variation variations vault vaults vcenter verified viewer violations visible vlans vm voices
  votes vs vulnerabilities wages wait wallet warmup warnings watch watched watchers watching watchlist water watermark
  weather website week weight welcome what when where whitelist widget wifi window windows wipe wishlist withdraw
  without word worker workers working workload workspace xls yaml years youtube zebra`;

/** Six to eleven. */
const LEVEL_2 = `
  about accounting acknowledge activation ad additional addons admins ads advanced agents aggregate aggregated
  aggregates agreements albums alert alias allowed amazon analyses analyze annotation annotations announcement
  announcements answer answers apikeys apis apple approval approvals archives area areas article artists assessment
  assessments assigned associated association associations async attach authenticate authorized automation automations
  background backup backups balances barcode base based batches beta bin book booking bookmarks books box branch
  branches branding brands broadcasts browser buckets builds bundle cached caches calendars campaign capabilities case
  cases cash catalogs certificate certs charge charges chart checkout checks child cities claim class classes
  classification classifications cluster clusters collaborators collect column columns comment commits communication
  compare completed compliance components conditions configure confirmation connectivity connector connectors consent
  consents console consumer containers contents context contexts contract contracts contributors control coverage
  credential credits cross currency dashboard dashboards database databases dataset datasets dates day days db
  deactivate decline defaults defined definition deleted deny dependencies deploy deployment describe destinations
  detach detailed detect detection diff digital dimensions direct directory disconnect discover discovery display
  distance docs downloads draft drives edge effective eligibility employee employees enabled encryption endpoint
  endpoints enterprise entry environment error evaluate evidence example execution executions exists expire expression
  extended extensions extract facets facilities factors failed favorite favorites featured feeds fetch financial
  firewall firewalls flag flags flow flows folder follows force forecast forgot fork form frames functions funds game
  games gateway general genres git global google grant grants graph guest heartbeat help hierarchy historical hold
  holidays home host hosted hosts hub icons ignore imports inbound inbox incidents incoming initiate input install
  installation instructions insurance integration intent intents interface interfaces invalidate invitation invites
  ios ips journal jwt keywords known language legacy legal level levels lifecycle likes limit limits listing listings
  load locales loss mail maintenance make managed management manager manifest maps mark marketplace markets master
  match matches max membership merchant method metric mfa microsoft migrate migration milestones mode model modules
  monitor monitoring movies multi multiple namespaces nearest net news node notify now objects off offer onboarding
  one online only open openapi openid operation operations or orgs os outbound outgoing output overrides overview
  owners package parameters parent parse participants partner partners parts patch paths pay peers periods person
  personal persons photo photos pin pipeline pipelines platform platforms play playback player players playlists
  plugins png point poll pool popular port portal portfolio ports position positions posts power pre prediction
  predictions prefix prefixes presence pricing primary priority privacy program programs promote promotions property
  protection provision provisioning proxy publications published publisher pull purchases purge qr quality queries
  queue queues quota range rank rating ratings reactions ready reasons reboot receipt receipts received recipient
  recipients recognize recommended recording recordings recover recovery recurring references refunds regenerate
  region registered registry remote rename render renew reopen reorder replace replication reporting repository
  requested reservations resize resolve response responses restart restrictions retrieve return returns risk room
  rooms rotate routing rule sale saml sample samples save saved scans scope scopes score scores screenshot script
  scripts searches seasons sections select senders sent sentiment setting settlement shares sheet ship shipments short
  show shows shutdown sign signatures signed signing sim simple single size sizes skills slack smart snippets social
  software spaces spec specs split ssh ssl sso stages standard statements states stations step stock stops strategies
  streams strings sub subaccounts submissions subscribe suggested support surveys suspend swap switch systems table
  tables taxes tenant terminate terms themes third threads ticket tickets tier tiers timeline times timeseries toggle
  total trace track transform transitions tree trending trial trigger two ui unassign unit units unlink unlock
  unpublish unread unregister unsubscribe up upcoming updated upgrade upsert uri use uuid validation variants vat
  vehicle vehicles vendor vendors venues verifications visibility voice void volume volumes vpn vulnerability well
  wireless words work workflow write year zip zone zones`;

/** Twelve to twenty-three. */
const LEVEL_3 = `
  action active agent alerts aliases analysis analytics app application applications apply approve archive articles
  artifacts as asset assets assign assignments attachment attribute attributes audio audit authentication
  authorization authorizations authorize auto autocomplete availability avatar bank basic block blocks build bundles
  business cache calculate calendar call callback calls campaigns capture catalog certificates changes channel chat
  children clear clone close cloud codes collection commands commit companies company complete configs configurations
  confirm connect connection conversations convert cost country counts csv currencies daily date definitions delivery
  deployments description detail dns domain edit emails end entities entity entries environments episodes errors
  estimate exchange execute expense exports external feature features feed feedback field filter filters find folders
  followers following forms free from full geo hooks html identity in index information insights instance instances
  integrations internal inventory invitations invite ip is issue issues job join label labels last leave license
  licenses line lines linked live local lock logo lookup map mapping mappings member memberships merge meta methods
  mobile models move my names network networks next nodes note numbers object of offers on org organization
  organizations out owner packages page pages party path pause pending people performance permission phone places plan
  plans points policies policy pools post preferences preview prices private process progress project provider
  purchase push questions quote quotes random rate rates raw read recent recommendations record reference refund
  registration registrations reject related relationships release releases replies repositories resend resource rest
  restore result results resume retention retry reverse review reviews revisions role route routes run runs sales scan
  scheduled schema schemas secret secrets security segments self server servers sets setup share shared shipment
  shipping similar site sites snapshot snapshots source sources statistics steps storage store stores stream submit
  suggest suggestions summaries supported swagger target targets task tax team teams term tests thumbnail top topic
  topics tracking tracks traffic transaction transfers translate triggers updates uploads urls username value values
  variables verification video videos view views virtual web webhook with workflows workspaces xml`;

/** More. */
const LEVEL_4 = `
  accept access account accounts actions activate activities activity add address addresses admin all and api apps
  attachments auth available balance batch billing bulk by cancel card cards categories category change channels check
  client clients code collections comments config configuration connections contact contacts content copy count
  countries create credentials credit current custom customer customers data default delete details device devices
  disable document documents domains download email enable event events export fields file files for generate get
  group groups health history id ids image images import info invoice invoices item items jobs json key keys languages
  latest link links list lists location locations log login logout logs me media members message messages metadata
  metrics name new notes notification notifications number oauth options order orders password payment payments pdf
  permissions ping price product products profile profiles projects properties providers public publish query records
  refresh regions register remove report reports request requests reset resources revoke roles rules schedule
  schedules search send series service services session sessions set settings sms start state stats status statuses
  stop subscription subscriptions summary sync system tag tags tasks template templates test text time to token tokens
  transactions transfer type types update upload url usage user users validate verify version versions webhooks`;

const LEVELS: ReadonlyMap<string, number> = new Map(
  [LEVEL_1, LEVEL_2, LEVEL_3, LEVEL_4].flatMap((words, index) =>
    words
      .trim()
      .split(/\s+/)
      .map((word): [string, number] => [word, index + 1]),
  ),
);

/** 0 for a word that is not here, to 4 for one that many have; a plural counts as its singular does. */
export function wordLevel(word: string): number {
  const level = LEVELS.get(word) ?? 0;
  const other = word.endsWith('s') ? word.slice(0, -1) : `${word}s`;
  return Math.max(level, LEVELS.get(other) ?? 0);
}
