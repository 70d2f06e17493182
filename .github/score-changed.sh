#!/usr/bin/env bash
# Scores the programs that a checkout adds or changes, and writes the scorecards to the job's summary.
#
#   score-changed.sh CHECKOUT BASE-COMMIT KNOWN
#
# KNOWN: the candidates folder of the base branch, against which exact duplicates are named.
# Paths come from whoever opened the pull request: they travel with NUL between them, never through
# the shell, and only those in the layout are scored.
set -euo pipefail
checkout=$1 base=$2 known=$(realpath "$3")
summary=${GITHUB_STEP_SUMMARY:-/dev/stdout}
cd "$checkout"
# As `sld run` finds them: one name that it knows no run by would stop the others from being scored.
layout='^candidates/[a-z0-9_-]+/[a-z0-9_-]{1,200}/[a-z0-9_]{1,200}/run_(0|[1-9][0-9]{0,17})\.py$'
changed=()
while IFS= read -r -d '' path; do
  if [[ $path =~ $layout && ! -L $path ]]; then
    changed+=("$path")
  elif [[ $path == *.py ]]; then
    printf 'not a plain file in the layout candidates/TASK/AGENT/MODEL/run_N.py: %q\n' "$path" >&2
    stray=1
  fi
done < <(git diff -z --name-only --no-renames --diff-filter=d "$base...HEAD" -- candidates)
if [ "${#changed[@]}" -eq 0 ]; then
  echo "No candidate program changed." | tee -a "$summary"
  exit "${stray:-0}"
fi
code=0
sld submit --dry-run --into "$known" --store "$(mktemp -d)/store.sqlite" --summary "$summary" \
  "${changed[@]}" || code=$?
if [ "$code" -eq 0 ]; then code=${stray:-0}; fi
exit "$code"
