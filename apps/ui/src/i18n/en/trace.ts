export const trace = {
  detail: 'One command across the log: the command, its reply, and everything that it caused.',
  idToFollow: 'Correlation id, transfer id or request id',
  idHint: 'Correlation id, transfer id (t0-12) or request id (r0-12)',
  follow: 'Follow',
  readingLog: 'Reading the log',
  notAnId: 'Not an id of a command',
  notAnIdDetail: 'Take a correlation id from a record’s headers, or the id on a receipt.',
  looked: 'Looked at {count} command. | Looked at {count} commands.',
  lookedFromTo: 'Looked at {count} command, from {from} to {to}. | Looked at {count} commands, from {from} to {to}.',
  notYetFound: 'Not found so far',
  // {looked} is followed by sentences.
  notYetFoundDetail: '{looked} There are more of that time; search the topic "commands" for the id.',
  notFound: 'Not found',
  notFoundDetail:
    '{looked} No command there has this id; it may be older than what the log keeps, or of another minute.',
  mayBeMore: 'There may be more',
  mayBeMoreDetail: 'There are more records of that time than were looked at. {topics}.',
  topicLooked: '{topic}: {count} records looked at | {topic}: {count} records looked at',
  topicLookedTo: '{topic}: {count} records looked at, to {to} | {topic}: {count} records looked at, to {to}',
  howItTravelled: 'How it travelled',
  recordsInOrder: 'Records, in order of time',
  deleted: 'deleted',
} as const
