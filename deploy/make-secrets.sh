#!/bin/sh
# 生成 docker-compose.yml 所需的密钥文件 / Makes the secret files of docker-compose.yml that are not there yet.
# The folder is for its owner alone. The files in it are readable, since each service reads its own under an account of its
# own; docker mounts each file into the services that name it.
#
#   deploy/make-secrets.sh [FOLDER]
#   NETMON="/opt/netmon/.venv/bin/netmon" deploy/make-secrets.sh      # without docker
set -eu
folder=${1:-$(dirname "$0")/../secrets}
netmon=${NETMON:-docker run --rm --interactive --network none netmon:0.1.0}

umask 077
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

keep() {  # keep NAME: standard input becomes the file, all of it or nothing
  cat > "$1.new"
  chmod 444 "$1.new"
  mv "$1.new" "$1"
  echo "secrets/$1"
}

for name in scrape-password board-password grafana-password influxdb-password influxdb-token; do
  [ -e "$name" ] || head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' | keep "$name"
done
if [ ! -e smtp-password ]; then
  printf 'change-me' | keep smtp-password
  echo "  <- 写入邮件服务器口令 / put the mail server's password into it, and its user into alertmanager.yml" >&2
fi
if [ ! -e web.yaml ]; then
  scraper=$($netmon hash-password < scrape-password)
  admin=$($netmon hash-password < board-password)
  keep web.yaml <<END
basic_auth_users:
  prometheus: $scraper
  admin: $admin
netmon_roles:
  admin: admin
END
fi
