#!/bin/sh
# 离线安装 netmon，无需访问任何软件源 / Installs netmon from this bundle; asks no registry.
#
#   ./install.sh [FOLDER]                  # /opt/netmon
#   PYTHON=python3.12 ./install.sh
#
# 再次运行即为升级 / To upgrade, run it again. docs/install.md, docs/install.zh-CN.md
set -eu
target=${1:-/opt/netmon}
python=${PYTHON:-python3}
cd "$(dirname "$0")"

fail() {
  echo "$1" >&2
  exit 2
}

[ -f SHA256SUMS ] || fail "这里不是离线安装包 / this folder is no offline bundle: no SHA256SUMS"
sha256sum --check --quiet --strict SHA256SUMS >&2 ||
  fail "安装包已损坏，请重新复制 / the bundle is damaged: copy it again"
command -v "$python" >/dev/null ||
  fail "没有 $python / there is no $python: apt-get install python3, or PYTHON=/path/to/python3.12 ./install.sh"
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
  fail "需要 Python 3.11 至 3.13 / needs Python 3.11 to 3.13; $python: $("$python" --version 2>&1)"
"$python" -c 'import sqlite3, sys; sys.exit(sqlite3.sqlite_version_info < (3, 37))' ||
  fail "需要 SQLite 3.37 以上 / needs a Python with SQLite 3.37 or later"

mkdir -p "$target"
target=$(cd "$target" && pwd)
[ -x "$target/.venv/bin/python" ] || "$python" -m venv --without-pip "$target/.venv"
pip=$(echo "$PWD"/wheels/pip-*.whl)
PIP_CONFIG_FILE=/dev/null PYTHONPATH=$pip "$target/.venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  --no-index --find-links "$PWD/wheels" --constraint constraints.txt --upgrade netmon ||
  fail "安装失败：没有适用于本机的软件包？ / installation failed: no wheels for this machine ($(uname -m))?"

for name in config deploy docs grafana docker-compose.yml; do
  [ -e "$name" ] || continue
  # 配置示例另存，不覆盖现有文件 / Samples go beside what is there; nothing of yours is overwritten.
  rm -rf "$target/share/$name"
  mkdir -p "$target/share"
  cp -R "$name" "$target/share/$name"
done
"$target/.venv/bin/netmon" --version
echo "已安装到 $target，下一步见 $target/share/docs/install.zh-CN.md / installed; next: $target/share/docs/install.md"
