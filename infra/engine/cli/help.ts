export const HELP = `Runs a Node Pulumi project without the pulumi CLI.

usage: node infra/engine/main.ts <command> --stack NAME [flags]

  up          create and update what the program describes   (--create makes the stack first)
  preview     show what up would do
  refresh     read what there is into the state
  destroy     delete everything in the state
  stack init [NAME] | ls | output [KEY] | rm [NAME]
  cancel      remove the locks of a stack

  -C, --cwd DIR            folder of the project            -s, --stack NAME
  -y, --yes                do it without asking             -f, --skip-preview
  -p, --parallel N         steps at once                    -m, --message TEXT
  -t, --target URN         only these resources             --target-dependents
  --exclude URN            not these resources              --exclude-dependents, --exclude-protected
  --replace URN            replace these resources          --target-replace URN  both
  -r, --refresh            read what there is first         --ignore-protect
  --expect-no-changes      exit code 7 if there are any     --continue-on-error
  --clear-pending-creates  with refresh                     --run-program   with destroy, for delete hooks
  -j, --json               events as JSON lines             --event-log FILE
  --show-secrets           with stack output                --color auto|always|never

The state lies in PULUMI_BACKEND_URL (file://...), its secrets are sealed with PULUMI_CONFIG_PASSPHRASE or
PULUMI_CONFIG_PASSPHRASE_FILE. What this engine does not do is listed in infra/engine/README.md.
`;
