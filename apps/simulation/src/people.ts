import type { User } from '@streampay/domain'

// 100 first and 101 last names have no common divisor, so that every pair occurs once in the first 10,100 people, and neighbours share
// neither name.
const firstNames =
  `Amara Bjorn Camila Dmitri Elena Farid Greta Hiroshi Ines Jamal Katya Liam Mei Nadia Oscar Priya Quentin Rosa Sven Tariq
  Uma Viktor Wanda Xavier Yara Zeno Aisha Bruno Chiara Diego Esther Felix Giulia Hassan Ingrid Jonas Kemi Lars Marta Noor
  Olga Pablo Rania Stefan Thandi Umar Vera Walid Ximena Yusuf Zofia Anton Beatriz Cyrus Dalia Emil Fatima Goran Hana Ivan
  Jasmin Kofi Leila Mateo Nina Omar Petra Rafael Salma Tomas Ulla Vikram Wei Yasmin Zane Alba Boris Clara Dario Edda Fabian
  Gala Hugo Irma Jakub Kira Leo Mina Nico Orla Pia Remy Selma Theo Ursula Vito Willa Yoko Zara Milan`.split(/\s+/)
const lastNames =
  `Adeyemi Berg Costa Dubois Eriksson Fischer Garcia Haddad Ivanova Jansen Kaya Lindqvist Moreau Nakamura Okafor Petrov Quispe
  Rossi Sato Tanaka Ueda Vasquez Weber Xu Yilmaz Zhang Andersen Bianchi Chen Diaz Engel Ferrari Gruber Horvat Ibrahim Jovanovic
  Kowalski Lopez Mensah Novak Oliveira Popescu Rahman Silva Toth Urban Vargas Wagner Yamada Ziegler Almeida Bauer Cruz Demir
  Esposito Fernandez Gupta Hansen Isaksen Jensen Keller Laurent Martin Nguyen Olsen Pereira Ramos Schmidt Torres Usman Virtanen
  Winter Yang Zimmermann Amato Banda Cohen Dang Eze Fontaine Gallo Hoang Ito Jimenez Kim Larsen Mazur Nielsen Ortiz Pavlov
  Reyes Santos Tran Unger Vogel Wolf Yeo Zapata Azevedo Blanco Castillo`.split(/\s+/)

export const maxVirtualUsers = 10_000

/**
 * The person with this number, counted from 1; always the same, so that after a restart the simulation finds its own people on the log
 * again.
 */
export function virtualUser(number: number): User {
  const first = firstNames[number % firstNames.length] ?? ''
  // The step keeps alphabetical lists from giving all people similar initials.
  const last = lastNames[(number * 37) % lastNames.length] ?? ''
  const username = `${first}.${last}`.toLowerCase()
  return { id: `virtual-${String(number).padStart(4, '0')}`, name: `${first} ${last}`, username }
}
