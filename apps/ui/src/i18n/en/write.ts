export const write = {
  realLog: 'This is the real log',
  realLogDetail:
    'What is written here is processed at once and can’t be taken back. It is always written in your own name: a command moves your own money, and nobody else’s.',
  key: 'Key',
  noKey: 'No key',
  headers: 'Headers, one a line',
  headersHelp: 'As name: value. Your identity ({header}) and an id of the request are added.',
  badHeader: 'Line {line} is not of the form name: value, with a blank behind the colon.',
  value: 'Value',
  tombstone: 'A tombstone, which deletes the key',
  partition: 'Partition',
  partitionOfKey: 'That of the key',
  written: 'Written as {place}.',
  writeRecord: 'Write the record',
  nobodyMay: 'Nobody may write by the console of this installation. Use {command} where the log is.',
  notGranted: 'Your identity provider didn’t grant the permission to write ({permission}). It is meant for operators.',
  needsPermission: 'Writing needs a permission more ({permission}). It is meant for operators.',
} as const
